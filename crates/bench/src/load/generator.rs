//! Sends requests for a while, on several connections.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::answer::{Answer, Answers};
use super::connection::Connection;
use super::request;
use crate::error::BenchError;
use crate::machine::of_this_thread;

/// How long a connection rests after it broke.
const PAUSE: Duration = Duration::from_millis(10);

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Registrations, each of a new user.
    Register,
    /// Activations: user and code.
    Activate(Arc<[(u64, u32)]>),
    /// `/health/live`.
    Health,
    /// Activations without credentials: 401.
    WithoutCredentials,
    /// Registrations that are refused for their form: 422.
    Invalid,
    /// The same by a client that has used up its limit: 429.
    OverTheLimit(Ipv4Addr),
}

/// How fast requests follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Each connection sends the next request when it has the answer.
    AsAnswered,
    /// So many per second over all connections, as long as one of them is free.
    PerSecond(f64),
}

/// What to send.
#[derive(Debug, Clone)]
pub struct Load {
    /// The requests.
    pub kind: Kind,
    /// How many connections.
    pub connections: usize,
    /// How fast.
    pub pace: Pace,
    /// For how long; activations end earlier when all are made.
    pub duration: Duration,
}

/// A load that is under way.
#[derive(Debug)]
pub struct Running(JoinHandle<Answers>);

impl Running {
    /// Whether every answer is there.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// Waits for the answers.
    pub fn join(self) -> Result<Answers, BenchError> {
        self.0.join().map_err(|_| BenchError::NoResult("the load generator has failed".to_owned()))
    }
}

impl Load {
    /// Registrations on so many connections.
    pub fn register(connections: usize, pace: Pace, duration: Duration) -> Self {
        Self { kind: Kind::Register, connections, pace, duration }
    }

    /// Starts it, against this port of the loopback address.
    pub fn start(self, port: u16) -> Result<Running, BenchError> {
        let failed = "start the load generator";
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(BenchError::io(failed))?;
        let thread = thread::Builder::new().name("generator".to_owned());
        let running = thread.spawn(move || runtime.block_on(self.run(port)));
        Ok(Running(running.map_err(BenchError::io(failed))?))
    }

    async fn run(self, port: u16) -> Answers {
        let schedule = Arc::new(Schedule::new(&self));
        let kind = Arc::new(self.kind);
        let mut connections = JoinSet::new();
        for _ in 0..self.connections {
            connections.spawn(send(port, Arc::clone(&kind), Arc::clone(&schedule)));
        }
        let all = connections.join_all().await.into_iter().flatten().collect();
        // Its thread does nothing else, and ends now.
        Answers { all, generator: of_this_thread() }
    }
}

/// When the next request is due.
struct Schedule {
    begin: Instant,
    end: Instant,
    interval: Option<Duration>,
    sent: AtomicU32,
    used: AtomicUsize,
}

impl Schedule {
    fn new(load: &Load) -> Self {
        let begin = Instant::now();
        let interval = match load.pace {
            Pace::AsAnswered => None,
            Pace::PerSecond(rate) => Some(Duration::from_secs_f64(1.0 / rate)),
        };
        let end = begin + load.duration;
        Self { begin, end, interval, sent: AtomicU32::new(0), used: AtomicUsize::new(0) }
    }

    /// Waits for the time of the next request; false when there is none any more.
    async fn next(&self) -> bool {
        let due = match self.interval {
            None => Instant::now(),
            Some(interval) => self.begin + interval * self.sent.fetch_add(1, Ordering::Relaxed),
        };
        if due >= self.end {
            return false;
        }
        if due > Instant::now() {
            tokio::time::sleep_until(due.into()).await;
        }
        Instant::now() < self.end
    }

    /// The next request, and whom it is about; None when all are sent.
    fn request(&self, kind: &Kind) -> Option<(u64, Vec<u8>)> {
        let user = request::new_user();
        Some(match kind {
            Kind::Register => (user, request::register(user)),
            Kind::Activate(users) => {
                let (user, code) = *users.get(self.used.fetch_add(1, Ordering::Relaxed))?;
                (user, request::activate(user, code))
            }
            Kind::Health => (user, request::health()),
            Kind::WithoutCredentials => (user, request::without_credentials()),
            Kind::Invalid => (user, request::invalid(request::new_client())),
            Kind::OverTheLimit(client) => (user, request::invalid(*client)),
        })
    }
}

async fn send(port: u16, kind: Arc<Kind>, schedule: Arc<Schedule>) -> Vec<Answer> {
    let mut connection = Connection::new(port);
    let mut answers = Vec::new();
    while schedule.next().await {
        let Some((user, bytes)) = schedule.request(&kind) else { break };
        let sent = Instant::now();
        let status = connection.send(&bytes).await.ok();
        answers.push(Answer { user, status, sent, answered: Instant::now() });
        if status.is_none() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    answers
}
