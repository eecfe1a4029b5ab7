//! Judges the mails that a mail server does not accept: by what became of the same mail before, and
//! of others.
//!
//! A reply alone does not always say whom it is about: some servers call an unknown recipient a
//! policy, others blame each recipient while it is the sender that they refuse. So refusals are
//! compared. The memory is that of this process: it is bounded, and a restart or another worker
//! only means that a mail is retried for longer.

mod memory;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::ports::{MailError, Source};
use domain::{ErrorChain, EventId};

use crate::metrics;
use memory::Memory;

pub(crate) use memory::Attempt;

/// Decides which mails are given up.
pub struct Refusals {
    give_up_after: Duration,
    memory: Mutex<Memory>,
}

/// Why a mail is given up although its last failure was not final.
#[derive(Debug, thiserror::Error)]
enum GivenUp {
    #[error("given up, since no server has accepted it for longer than smtp.give_up_after")]
    TooOld(#[source] Source),
    #[error("given up, since it is refused again and again while others are accepted")]
    RefusedAlone(#[source] Source),
}

/// What a refusal is about, as far as can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Recipient,
    System,
    Unclear,
}

impl Refusals {
    /// Gives up mails whose event is that long ago.
    pub fn new(give_up_after: Duration) -> Self {
        metrics::set_all_refused(false);
        Self { give_up_after, memory: Mutex::default() }
    }

    /// Remembers what came of an attempt, and returns whether the mail is retried or given up.
    pub(crate) fn judge(
        &self,
        attempt: Attempt<'_>,
        sent: Result<(), MailError>,
    ) -> Result<(), MailError> {
        let error = match sent {
            Ok(()) => {
                self.note_acceptance(attempt.event);
                return Ok(());
            }
            Err(error) => self.compare(attempt, error),
        };
        let age = attempt.event.happened_at().map(|happened| attempt.now.saturating_sub(happened));
        Err(match error {
            MailError::Transient(source)
            | MailError::SenderRefused(source)
            | MailError::Refused(source)
                if age.is_some_and(|age| age > self.give_up_after) =>
            {
                MailError::Permanent(GivenUp::TooOld(source).into())
            }
            error => error,
        })
    }

    /// What a failure means, given those of other mails.
    fn compare(&self, attempt: Attempt<'_>, error: MailError) -> MailError {
        let (is_final, source) = match error {
            MailError::Transient(source) => return MailError::Transient(source),
            MailError::SenderRefused(source) => {
                self.note_sender_refusal(attempt, &source);
                return MailError::SenderRefused(source);
            }
            MailError::Refused(source) => (false, source),
            MailError::Permanent(source) => (true, source),
        };
        match (self.note_refusal(attempt, &source), is_final) {
            (Subject::System, _) | (Subject::Unclear, false) => MailError::Refused(source),
            (Subject::Unclear | Subject::Recipient, true) => MailError::Permanent(source),
            (Subject::Recipient, false) => {
                MailError::Permanent(GivenUp::RefusedAlone(source).into())
            }
        }
    }

    fn note_acceptance(&self, event: EventId) {
        if self.memory().accept(event) {
            metrics::set_all_refused(false);
            tracing::info!(event = "mail.accepted_again", "the mail server accepts mails again");
        }
    }

    /// A refusal of everybody: it tells nothing of the recipient, who is never given up for it.
    fn note_sender_refusal(&self, attempt: Attempt<'_>, source: &Source) {
        count_refusal(&mut self.memory(), attempt, source);
    }

    fn note_refusal(&self, attempt: Attempt<'_>, source: &Source) -> Subject {
        let mut memory = self.memory();
        count_refusal(&mut memory, attempt, source);
        let is_recipients = memory.remember(attempt);
        if memory.are_all_refused {
            Subject::System
        } else if is_recipients {
            Subject::Recipient
        } else {
            Subject::Unclear
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a refusal, and raises the alarm if with it everybody is refused.
fn count_refusal(memory: &mut Memory, attempt: Attempt<'_>, source: &Source) {
    if memory.count_refusal(attempt.domain) {
        metrics::set_all_refused(true);
        let (refusals, error) = (memory.refusals, ErrorChain(&**source).to_string());
        tracing::error!(
            event = "mail.all_refused",
            refusals,
            error,
            "the mail server refuses mails to everybody: they are retried until it accepts one"
        );
    }
}
