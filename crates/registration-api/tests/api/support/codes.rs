//! Windows in memory; time passes when a test says so.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{
    Attempt, CodeStore, CodeStoreError, Consumption, MailKey, MailState, NewWindow, Opening,
    SendingLease,
};
use domain::{CodeIssue, Derivation, EventId, UserId};
use uuid::Uuid;

use super::broken;

#[derive(Clone, Copy)]
struct Window {
    number: u32,
    derivation: Option<Derivation>,
    left: u32,
    expired: bool,
    consumed: bool,
}

#[derive(Default)]
pub(crate) struct Codes {
    windows: Mutex<HashMap<UserId, Window>>,
    pub(crate) is_down: AtomicBool,
    /// Only writes fail.
    pub(crate) is_read_only: AtomicBool,
    pub(crate) releases: AtomicU32,
    /// Expires the window between the comparison and the consumption.
    pub(crate) expires_before_consumption: AtomicBool,
    /// The next consumption is carried out, but its answer comes too late.
    pub(crate) answers_late: AtomicBool,
}

impl Codes {
    pub(crate) fn open_window(&self, issue: CodeIssue, attempts: u32) {
        self.open_derived(issue, attempts, None);
    }

    /// Opens the window of a code about which it is recorded how it was derived.
    pub(crate) fn open_derived(&self, issue: CodeIssue, left: u32, derivation: Option<Derivation>) {
        let window =
            Window { number: issue.number, derivation, left, expired: false, consumed: false };
        self.windows.lock().unwrap().insert(issue.user_id, window);
    }

    pub(crate) fn expire(&self, issue: CodeIssue) {
        self.windows.lock().unwrap().get_mut(&issue.user_id).unwrap().expired = true;
    }

    pub(crate) fn forget(&self, issue: CodeIssue) {
        self.windows.lock().unwrap().remove(&issue.user_id);
    }

    fn with<T>(
        &self,
        issue: CodeIssue,
        act: impl FnOnce(Option<&mut Window>) -> T,
    ) -> Result<T, CodeStoreError> {
        if self.is_down.load(Ordering::Relaxed) || self.is_read_only.load(Ordering::Relaxed) {
            return Err(CodeStoreError(broken()));
        }
        let mut windows = self.windows.lock().unwrap();
        Ok(act(windows.get_mut(&issue.user_id).filter(|window| window.number == issue.number)))
    }
}

#[async_trait]
impl CodeStore for Codes {
    async fn lease_sending(
        &self,
        _: MailKey,
        _: Uuid,
        _: Duration,
    ) -> Result<SendingLease, CodeStoreError> {
        unreachable!("the API mails nothing")
    }

    async fn release_sending(&self, _: MailKey, _: Uuid) -> Result<(), CodeStoreError> {
        unreachable!("the API mails nothing")
    }

    async fn open(
        &self,
        issue: CodeIssue,
        window: NewWindow,
        _: MailState,
    ) -> Result<Opening, CodeStoreError> {
        self.open_derived(issue, window.attempts, Some(window.derivation));
        Ok(Opening::Opened { derivation: window.derivation })
    }

    async fn mark_notice_accepted(&self, _: EventId) -> Result<(), CodeStoreError> {
        unreachable!("the API mails nothing")
    }

    async fn is_notice_accepted(&self, _: EventId) -> Result<bool, CodeStoreError> {
        unreachable!("the API mails nothing")
    }

    async fn spend_attempt(&self, issue: CodeIssue) -> Result<Attempt, CodeStoreError> {
        self.with(issue, |window| match window {
            None => Attempt::Unknown,
            Some(window) if window.consumed => Attempt::Consumed,
            Some(window) if window.expired => Attempt::Expired,
            Some(window) if window.left == 0 => Attempt::Exhausted,
            Some(window) => {
                window.left -= 1;
                Attempt::Spent { left: window.left, derivation: window.derivation }
            }
        })
    }

    async fn consume(&self, issue: CodeIssue) -> Result<Consumption, CodeStoreError> {
        let expires = self.expires_before_consumption.load(Ordering::Relaxed);
        let consumption = self.with(issue, |window| match window {
            Some(window) if window.consumed => Consumption::AlreadyConsumed,
            Some(window) if !window.expired && !expires => {
                window.consumed = true;
                Consumption::Won
            }
            _ => Consumption::Gone,
        });
        if self.answers_late.swap(false, Ordering::Relaxed) {
            return Err(CodeStoreError(broken()));
        }
        consumption
    }

    async fn release(&self, issue: CodeIssue) -> Result<(), CodeStoreError> {
        self.releases.fetch_add(1, Ordering::Relaxed);
        self.with(issue, |window| window.unwrap().consumed = false)
    }

    async fn ping(&self) -> Result<(), CodeStoreError> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(CodeStoreError(broken()));
        }
        Ok(())
    }
}
