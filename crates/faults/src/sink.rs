//! The mail server of a run: it misbehaves as the schedule says, and keeps what it has accepted.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail_parser::MessageParser;
use test_support::smtp_server::{Act, Received, Running, Server, When};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::evidence::Copy;
use crate::schedule::MailFault;

/// How long a slow server takes for a mail.
const SLOW: Duration = Duration::from_secs(3);

/// The domain of the mails that only try the server out: they are no evidence.
pub const PROBES: &str = "example.org";

/// A mail server. A clone is the same one.
#[derive(Clone)]
pub struct Sink {
    server: Arc<Running>,
    behaviour: Arc<Behaviour>,
    copies: watch::Sender<Vec<Copy>>,
}

/// How it behaves at the moment.
#[derive(Default)]
struct Behaviour {
    fault: Mutex<Option<MailFault>>,
    /// Recipients whose first attempt was refused.
    greylist: Mutex<HashSet<String>>,
    /// How often it has misbehaved.
    shown: AtomicUsize,
}

impl Sink {
    /// Starts a server that behaves well.
    pub async fn start(clock: Clock) -> Self {
        let behaviour = Arc::new(Behaviour::default());
        let script = behaviour.clone();
        let server = Server::new(move |when| script.act(when)).start().await;
        let sink = Self { server: Arc::new(server), behaviour, copies: watch::Sender::default() };
        tokio::spawn(sink.clone().read_mails(clock));
        sink
    }

    /// The port on which it listens.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Begins to misbehave, or to behave well.
    pub fn behave(&self, fault: Option<MailFault>) {
        *self.behaviour.fault.lock().unwrap() = fault;
    }

    /// How often it has misbehaved so far.
    pub fn shown(&self) -> usize {
        self.behaviour.shown.load(Ordering::Relaxed)
    }

    /// What it has accepted, oldest first.
    pub fn copies(&self) -> Vec<Copy> {
        self.copies.borrow().clone()
    }

    /// Waits for a mail to an address with a newer code than `last`, and returns the newest.
    pub async fn newer_mail(&self, address: &str, last: Option<&Copy>) -> Copy {
        let newest = |copies: &[Copy]| {
            let to = copies.iter().filter(|copy| copy.to == address);
            let newer = to.filter(|copy| last.is_none_or(|last| copy.issue() > last.issue()));
            newer.max_by_key(|copy| copy.issue()).cloned()
        };
        let mut copies = self.copies.subscribe();
        let mut found = None;
        let arrived = copies.wait_for(|copies| {
            found = newest(copies);
            found.is_some()
        });
        arrived.await.expect("the sink has the sender");
        found.expect("it was waited for")
    }

    async fn read_mails(self, clock: Clock) {
        let mut read = 0;
        loop {
            let received = self.server.received_after(read).await;
            read += received.len();
            let copies = received.iter().filter(|mail| !is_probe(mail));
            let copies: Vec<Copy> = copies.map(|mail| parse(mail, clock)).collect();
            self.copies.send_modify(|all| all.extend(copies));
        }
    }
}

impl Behaviour {
    fn act(&self, when: When<'_>) -> Act {
        let Some(fault) = *self.fault.lock().unwrap() else { return Act::Normal };
        let act = match (fault, when.moment) {
            (MailFault::NotAvailable, "CONNECT") => {
                Act::ReplyAndDrop("421 4.3.2 not available".to_owned())
            }
            // Over a connection that was open before.
            (MailFault::NotAvailable, "MAIL") => {
                Act::ReplyAndDrop("421 4.3.2 shutting down".to_owned())
            }
            (MailFault::TemporaryRefusal, "CONTENT") => {
                Act::Reply("451 4.3.0 try again later".to_owned())
            }
            (MailFault::Greylisting, "RCPT") if self.is_first_attempt(when.recipient) => {
                Act::Reply("450 4.7.1 greylisted, try again later".to_owned())
            }
            (MailFault::AcceptsInSilence, "CONTENT") => Act::AcceptAndHang,
            (MailFault::AcceptsAndCloses, "CONTENT") => Act::AcceptAndDrop,
            (MailFault::ClosesAfterData, "DATA") => Act::Drop,
            (MailFault::Slow, "CONTENT") => Act::ReplyAfter(SLOW),
            (MailFault::Hangs(phase), moment) if phase == moment => Act::Hang,
            _ => Act::Normal,
        };
        if act != Act::Normal {
            self.shown.fetch_add(1, Ordering::Relaxed);
        }
        act
    }

    /// Whether no mail to this recipient was tried before in this run.
    fn is_first_attempt(&self, recipient: Option<&str>) -> bool {
        recipient
            .is_some_and(|recipient| self.greylist.lock().unwrap().insert(recipient.to_owned()))
    }
}

fn is_probe(mail: &Received) -> bool {
    mail.to.iter().any(|address| address.ends_with(PROBES))
}

/// What the ledger asks of a mail. One that is not as it should be has no code and no Message-ID,
/// which the ledger tells.
fn parse(mail: &Received, clock: Clock) -> Copy {
    let message = MessageParser::default().parse(mail.content.as_bytes()).unwrap_or_default();
    let text = message.body_text(0).unwrap_or_default();
    let numbers = text.split(|c: char| !c.is_ascii_digit());
    Copy {
        to: mail.to.join(", "),
        message_id: message.message_id().unwrap_or_default().to_owned(),
        code: numbers.into_iter().find(|run| run.len() == 4).unwrap_or_default().to_owned(),
        at: clock.at(mail.at),
        told: mail.is_told,
    }
}
