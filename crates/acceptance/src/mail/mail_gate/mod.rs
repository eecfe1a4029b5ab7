//! A mail server that fails as a test wants, in front of the inbox: what it accepts, the inbox
//! gets.

mod conversation;
mod script;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use test_support::{Listener, WAIT_TIMEOUT};
use tokio::sync::watch;

use script::State;
pub use script::{Delivery, Verdict};

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
        let reached =
            tokio::time::timeout(WAIT_TIMEOUT, attempts.wait_for(|now| *now >= count)).await;
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
