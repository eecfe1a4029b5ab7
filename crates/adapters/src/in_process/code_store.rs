//! The one-minute windows in memory. Must never give a live window fresh attempts, however many
//! other windows there are.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{
    Attempt, CODE_STORE_MEMORY, CodeStore, CodeStoreError, Consumption, MailKey, MailState,
    NewWindow, Opening, SendingLease,
};
use domain::{CodeIssue, Derivation, EventId, UserId};
use tokio::time::Instant;
use uuid::Uuid;

use super::clock::after;
use super::expiring_map::{DEFAULT_CAPACITY, ExpiringMap, Full, lock};

/// A [`CodeStore`] for one process.
pub struct InProcessCodeStore {
    windows: Mutex<ExpiringMap<UserId, Window>>,
    senders: Mutex<ExpiringMap<MailKey, Uuid>>,
    accepted_notices: Mutex<ExpiringMap<EventId, ()>>,
}

#[derive(Clone, Copy)]
struct Window {
    number: u32,
    derivation: Derivation,
    attempts_left: u32,
    ends_at: Instant,
    consumed: bool,
    accepted: bool,
}

impl InProcessCodeStore {
    /// A store of 100,000 windows: that many registrations are remembered for a day.
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }

    /// A store of at most `windows` windows. When it is full, the window opened first is forgotten
    /// early if it has run out; while all of them are live, opening another one fails.
    pub fn with_capacity(windows: usize) -> Self {
        Self {
            windows: Mutex::new(ExpiringMap::new(windows)),
            senders: Mutex::new(ExpiringMap::new(windows)),
            accepted_notices: Mutex::new(ExpiringMap::new(windows)),
        }
    }
}

impl Default for InProcessCodeStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl CodeStore for InProcessCodeStore {
    async fn lease_sending(
        &self,
        mail: MailKey,
        sender: Uuid,
        lease: Duration,
    ) -> Result<SendingLease, CodeStoreError> {
        let mut senders = lock(&self.senders);
        let now = Instant::now();
        senders.sweep(now);
        if senders.get_mut(&mail, now).is_some_and(|holder| *holder != sender) {
            return Ok(SendingLease::HeldByAnother);
        }
        senders.insert(mail, sender, after(now, lease), |_| false).map_err(full)?;
        Ok(SendingLease::Held)
    }

    async fn release_sending(&self, mail: MailKey, sender: Uuid) -> Result<(), CodeStoreError> {
        let mut senders = lock(&self.senders);
        if senders.get_mut(&mail, Instant::now()).is_some_and(|holder| *holder == sender) {
            senders.remove(&mail);
        }
        Ok(())
    }

    async fn open(
        &self,
        issue: CodeIssue,
        window: NewWindow,
        mail: MailState,
    ) -> Result<Opening, CodeStoreError> {
        let mut windows = lock(&self.windows);
        let now = Instant::now();
        windows.sweep(now);
        let known = windows.get_mut(&issue.user_id, now).copied();
        let (opened, opening) = match known {
            Some(known) if known.number > issue.number => return Ok(Opening::Superseded),
            Some(known) if known.number == issue.number && known.consumed => {
                return Ok(Opening::Consumed);
            }
            Some(known) if known.number == issue.number && known.accepted => {
                (known, Opening::Accepted { left: known.ends_at.saturating_duration_since(now) })
            }
            known => {
                let known = known.filter(|known| known.number == issue.number);
                let derivation = known.map_or(window.derivation, |known| known.derivation);
                let opened = Window {
                    number: issue.number,
                    derivation,
                    attempts_left: known.map_or(window.attempts, |known| known.attempts_left),
                    ends_at: after(now, window.length),
                    consumed: false,
                    accepted: mail == MailState::Accepted,
                };
                (opened, Opening::Opened { derivation })
            }
        };
        let forgotten_at = after(now, window.memory());
        windows
            .insert(issue.user_id, opened, forgotten_at, |first| first.ends_at <= now)
            .map_err(full)?;
        Ok(opening)
    }

    async fn mark_notice_accepted(&self, notice: EventId) -> Result<(), CodeStoreError> {
        let mut notices = lock(&self.accepted_notices);
        let now = Instant::now();
        notices.sweep(now);
        notices.insert(notice, (), after(now, CODE_STORE_MEMORY), |()| true).map_err(full)
    }

    async fn is_notice_accepted(&self, notice: EventId) -> Result<bool, CodeStoreError> {
        Ok(lock(&self.accepted_notices).get_mut(&notice, Instant::now()).is_some())
    }

    async fn spend_attempt(&self, issue: CodeIssue) -> Result<Attempt, CodeStoreError> {
        let mut windows = lock(&self.windows);
        let now = Instant::now();
        Ok(match windows.get_mut(&issue.user_id, now) {
            Some(known) if known.number != issue.number => Attempt::Unknown,
            None => Attempt::Unknown,
            Some(known) if known.consumed => Attempt::Consumed,
            Some(known) if known.ends_at <= now => Attempt::Expired,
            Some(known) if known.attempts_left == 0 => Attempt::Exhausted,
            Some(known) => {
                known.attempts_left -= 1;
                Attempt::Spent { left: known.attempts_left, derivation: Some(known.derivation) }
            }
        })
    }

    async fn consume(&self, issue: CodeIssue) -> Result<Consumption, CodeStoreError> {
        let mut windows = lock(&self.windows);
        let now = Instant::now();
        Ok(match windows.get_mut(&issue.user_id, now) {
            Some(known) if known.number != issue.number => Consumption::Gone,
            None => Consumption::Gone,
            Some(known) if known.consumed => Consumption::AlreadyConsumed,
            Some(known) if known.ends_at <= now => Consumption::Gone,
            Some(known) => {
                known.consumed = true;
                Consumption::Won
            }
        })
    }

    async fn release(&self, issue: CodeIssue) -> Result<(), CodeStoreError> {
        let mut windows = lock(&self.windows);
        if let Some(known) = windows.get_mut(&issue.user_id, Instant::now())
            && known.number == issue.number
        {
            known.consumed = false;
        }
        Ok(())
    }

    async fn ping(&self) -> Result<(), CodeStoreError> {
        Ok(())
    }
}

fn full(full: Full) -> CodeStoreError {
    CodeStoreError(full.into())
}
