//! The product behind: it is told of activations by webhooks, misbehaves as the schedule says, and
//! keeps what it has taken.

mod request;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use test_support::Listener;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::clock::Clock;
use crate::evidence::Delivery;
use crate::schedule::WebhookFault;

use request::Request;

/// What it shares with the system under test.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The identifier of requests that only try it out: they are no evidence.
pub const PROBE: &str = "probe";

/// How long a slow receiver takes for a request.
const SLOW: Duration = Duration::from_secs(1);

/// A receiver of webhooks.
pub struct Receiver {
    listener: Listener,
    state: Arc<State>,
}

struct State {
    clock: Clock,
    fault: Mutex<Option<WebhookFault>>,
    /// How often it has misbehaved.
    shown: AtomicUsize,
    taken: Mutex<Vec<Delivery>>,
}

impl Receiver {
    /// Starts one that behaves well.
    pub async fn start(clock: Clock) -> Self {
        let (fault, shown, taken) = Default::default();
        let state = Arc::new(State { clock, fault, shown, taken });
        let serving = state.clone();
        let serve = move |stream| {
            let state = serving.clone();
            // A connection that ends is what the other side makes of it.
            async move { drop(state.serve(stream).await) }
        };
        Self { listener: Listener::serve(serve).await, state }
    }

    /// The port on which it listens.
    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// Begins to misbehave, or to behave well.
    pub fn behave(&self, fault: Option<WebhookFault>) {
        *self.state.fault.lock().unwrap() = fault;
    }

    /// How often it has misbehaved so far.
    pub fn shown(&self) -> usize {
        self.state.shown.load(Ordering::Relaxed)
    }

    /// What it has taken, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.state.taken.lock().unwrap().clone()
    }
}

impl State {
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut stream = BufStream::new(stream);
        loop {
            let request = Request::read(&mut stream).await?;
            self.answer(&mut stream, &request).await?;
        }
    }

    async fn answer(&self, stream: &mut BufStream<TcpStream>, request: &Request) -> io::Result<()> {
        let fault = *self.fault.lock().unwrap();
        if fault.is_some() {
            self.shown.fetch_add(1, Ordering::Relaxed);
        }
        match fault {
            None => {}
            Some(WebhookFault::Slow) => sleep(SLOW).await,
            Some(WebhookFault::Status(status)) => return write_status(stream, status).await,
            Some(WebhookFault::Hangs) => return until_closed(stream).await,
            Some(WebhookFault::Closes) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(WebhookFault::TakesInSilence) => {
                self.take(request, false);
                return until_closed(stream).await;
            }
            Some(WebhookFault::TakesAndCloses) => {
                self.take(request, false);
                return Err(io::ErrorKind::ConnectionReset.into());
            }
        }
        let written = write_status(stream, 204).await;
        self.take(request, written.is_ok());
        written
    }

    fn take(&self, request: &Request, told: bool) {
        let id = request.header("webhook-id");
        if id == PROBE {
            return;
        }
        let timestamp = request.header("webhook-timestamp");
        let signature = acceptance::webhook_signature(SECRET, id, timestamp, &request.body);
        let event: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.taken.lock().unwrap().push(Delivery {
            id: id.to_owned(),
            kind: text(&event["type"]),
            user: text(&event["data"]["user_id"]),
            at: self.clock.now(),
            told,
            is_signed: request.header("webhook-signature") == signature && event["id"] == id,
        });
    }
}

async fn write_status(stream: &mut BufStream<TcpStream>, status: u16) -> io::Result<()> {
    // 204 has no body and must not tell a length (RFC 9110 section 8.6).
    let length = if status == 204 { "" } else { "Content-Length: 0\r\n" };
    stream.write_all(format!("HTTP/1.1 {status} \r\n{length}\r\n").as_bytes()).await?;
    stream.flush().await
}

async fn until_closed(stream: &mut BufStream<TcpStream>) -> io::Result<()> {
    stream.read_u8().await.map(drop)
}
