//! A mail server that fails as a test wants, in front of the inbox: what it accepts, the inbox gets.

mod conversation;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use test_support::{Listener, WAIT_TIMEOUT};
use tokio::sync::watch;

/// What happens to a mail after its last line (RFC 5321 section 4.1.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The inbox gets it, and the sender is told so.
    Accept,
    /// The same, after a delay.
    AcceptAfter {
        /// How long the sender waits for its reply.
        seconds: u64,
    },
    /// The sender gets this reply, the inbox nothing.
    Refuse(&'static str),
    /// The sender waits for a reply in vain, and the inbox gets nothing.
    Hang,
    /// The sender waits until the test lets the mail through.
    Hold,
    /// The inbox gets it, but the sender waits for a reply in vain.
    AcceptInSilence,
    /// The inbox gets it, but the connection ends before the sender is told.
    AcceptAndHangUp,
}

/// A mail that the inbox got, or that was refused.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The recipient in the envelope (RFC 5321 section 2.3.1), in lower case.
    pub recipient: String,
    /// Header and body as they came over SMTP.
    pub raw: String,
    /// When the inbox had it.
    pub at: Instant,
}

/// What the server is to do, and what it has done.
struct State {
    script: Mutex<VecDeque<Verdict>>,
    attempts: watch::Sender<usize>,
    released: watch::Sender<bool>,
    deliveries: Mutex<Vec<Delivery>>,
    refused: Mutex<Vec<Delivery>>,
}

/// An SMTP server that relays to the inbox, as scripted.
pub struct MailGate {
    listener: Listener,
    state: Arc<State>,
}

impl MailGate {
    /// Starts one in front of the inbox that speaks SMTP at `inbox`.
    pub async fn before(inbox: SocketAddr) -> Self {
        let state = Arc::new(State {
            script: Mutex::default(),
            attempts: watch::Sender::new(0),
            released: watch::Sender::new(false),
            deliveries: Mutex::default(),
            refused: Mutex::default(),
        });
        let shared = state.clone();
        let listener = Listener::serve(move |client| {
            let state = shared.clone();
            // An error is a connection that one side broke off, as it may.
            async move { drop(conversation::relay(client, inbox, &state).await) }
        })
        .await;
        Self { listener, state }
    }

    /// Where it speaks SMTP.
    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// The server is gone.
    pub async fn cut(&self) {
        self.listener.cut().await;
    }

    /// The server is back.
    pub async fn restore(&self) {
        self.listener.restore().await;
    }

    /// Decides what happens to the next mails, in turn; those after them are accepted.
    pub fn script(&self, verdicts: &[Verdict]) {
        self.state.script.lock().unwrap().extend(verdicts);
    }

    /// Lets the mails through that were held; from now on none is.
    pub fn release(&self) {
        self.state.released.send_replace(true);
    }

    /// Waits until `count` mails have been sent in full since the start, whatever became of them.
    pub async fn wait_for_attempts(&self, count: usize) {
        let mut attempts = self.state.attempts.subscribe();
        let reached = tokio::time::timeout(WAIT_TIMEOUT, attempts.wait_for(|now| *now >= count)).await;
        assert!(reached.is_ok(), "{} of {count} mails were sent", *self.state.attempts.borrow());
    }

    /// What the inbox got for an address, oldest first.
    pub fn deliveries(&self, address: &str) -> Vec<Delivery> {
        mails_to(address, &self.state.deliveries)
    }

    /// What was refused of the mails to an address, oldest first.
    pub fn refused(&self, address: &str) -> Vec<Delivery> {
        mails_to(address, &self.state.refused)
    }
}

fn mails_to(address: &str, mails: &Mutex<Vec<Delivery>>) -> Vec<Delivery> {
    let recipient = address.to_lowercase();
    mails.lock().unwrap().iter().filter(|mail| mail.recipient == recipient).cloned().collect()
}
