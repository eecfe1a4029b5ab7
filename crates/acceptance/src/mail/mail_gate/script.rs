//! What the mail gate is to do, and what it has done.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Instant;

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
    /// When it was handed to the inbox, or refused.
    pub at: Instant,
}

/// What the server is to do, and what it has done.
pub(super) struct State {
    pub(super) script: Mutex<VecDeque<Verdict>>,
    pub(super) attempts: watch::Sender<usize>,
    pub(super) released: watch::Sender<bool>,
    pub(super) deliveries: Mutex<Vec<Delivery>>,
    pub(super) refused: Mutex<Vec<Delivery>>,
}
