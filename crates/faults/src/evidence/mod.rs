//! What was seen from outside during a run: all that the ledger is made from.
//!
//! Times are measured on one clock, the monotonic one of this process, from the start of the run.

mod delivery;
mod mail;
mod observation;
mod transcript;

use std::time::Duration;

pub use delivery::Delivery;
pub use mail::Copy;
pub use observation::{Ended, Leftover, Observed, Quantity, Usage};
pub use transcript::{Answer, Exchange, History, Request, Story};

/// A moment of the run.
pub type At = Duration;

/// Everything that was seen.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What each client has asked and been told.
    pub histories: Vec<History>,
    /// What the mail server has accepted, oldest first.
    pub mails: Vec<Copy>,
    /// What the receiver of the webhook has taken, oldest first.
    pub deliveries: Vec<Delivery>,
    /// What was broken.
    pub faults: Vec<Observed>,
    /// Processes that ended although nobody had asked them to.
    pub ends: Vec<Ended>,
    /// What was left at the servers in the end.
    pub leftovers: Vec<Leftover>,
    /// What each process and each server used before the first fault and after the last.
    pub usages: Vec<Usage>,
}

/// How long the answer to each request may take: the sum of the timeouts on its way.
#[derive(Debug, Clone, Copy)]
pub struct AnswerBounds {
    /// To `register`.
    pub register: Duration,
    /// To `resend-code`.
    pub resend: Duration,
    /// To `activate`.
    pub activate: Duration,
}

impl AnswerBounds {
    /// That of this request.
    pub fn of(&self, request: &Request) -> Duration {
        match request {
            Request::Register => self.register,
            Request::Resend => self.resend,
            Request::Activate(_) => self.activate,
        }
    }
}

/// What the system under test was told, as far as the ledger depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How many guesses a code allows.
    pub attempts: usize,
    /// How many guesses an address has per day.
    pub guesses: usize,
    /// How long a code counts.
    pub window: Duration,
    /// How long answers may take.
    pub answer_bounds: AnswerBounds,
    /// How many registrations have to be accepted for the run to mean anything.
    pub enough: usize,
}
