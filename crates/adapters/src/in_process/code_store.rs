//! The one-minute windows in memory. Must never give a live window fresh attempts, however many
//! other windows there are.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Attempt, CodeStore, CodeStoreError, Consumption, Opening, SendingLease};
use domain::{CodeIssue, Derivation, UserId};
use tokio::time::Instant;
use uuid::Uuid;

use super::clock::after;
use super::expiring_map::{DEFAULT_CAPACITY, ExpiringMap, lock};

/// How long a window is remembered after it was last opened.
const REMEMBERED: Duration = Duration::from_hours(24);

/// A [`CodeStore`] for one process.
pub struct InProcessCodeStore {
    windows: Mutex<ExpiringMap<UserId, Window>>,
    /// Who sends the mail of an issue: a user and a number.
    senders: Mutex<ExpiringMap<(UserId, u32), Uuid>>,
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
        let (windows, senders) = (ExpiringMap::new(windows), ExpiringMap::new(windows));
        Self { windows: Mutex::new(windows), senders: Mutex::new(senders) }
    }

    fn open_window(
        &self,
        issue: CodeIssue,
        window: Duration,
        attempts: u32,
        derivation: Derivation,
        accepted: bool,
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
                let attempts_left = known.map_or(attempts, |known| known.attempts_left);
                let derivation = known.map_or(derivation, |known| known.derivation);
                let (number, ends_at) = (issue.number, after(now, window));
                let opened = Window {
                    number,
                    derivation,
                    attempts_left,
                    ends_at,
                    consumed: false,
                    accepted,
                };
                (opened, Opening::Opened { derivation })
            }
        };
        windows
            .insert(issue.user_id, opened, after(now, window.max(REMEMBERED)), |first| {
                first.ends_at <= now
            })
            .map_err(|full| CodeStoreError(full.into()))?;
        Ok(opening)
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
        issue: CodeIssue,
        sender: Uuid,
        lease: Duration,
    ) -> Result<SendingLease, CodeStoreError> {
        let mut senders = lock(&self.senders);
        let (key, now) = ((issue.user_id, issue.number), Instant::now());
        senders.sweep(now);
        if senders.get_mut(&key, now).is_some_and(|holder| *holder != sender) {
            return Ok(SendingLease::HeldByAnother);
        }
        senders
            .insert(key, sender, after(now, lease), |_| false)
            .map_err(|full| CodeStoreError(full.into()))?;
        Ok(SendingLease::Held)
    }

    async fn release_sending(&self, issue: CodeIssue, sender: Uuid) -> Result<(), CodeStoreError> {
        let mut senders = lock(&self.senders);
        let key = (issue.user_id, issue.number);
        if senders.get_mut(&key, Instant::now()).is_some_and(|holder| *holder == sender) {
            senders.remove(&key);
        }
        Ok(())
    }

    async fn open(
        &self,
        issue: CodeIssue,
        window: Duration,
        attempts: u32,
        derivation: Derivation,
    ) -> Result<Opening, CodeStoreError> {
        self.open_window(issue, window, attempts, derivation, false)
    }

    async fn mark_accepted(
        &self,
        issue: CodeIssue,
        window: Duration,
        attempts: u32,
        derivation: Derivation,
    ) -> Result<Opening, CodeStoreError> {
        self.open_window(issue, window, attempts, derivation, true)
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
