//! The accepted mails.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What is kept of a mail.
#[derive(Debug, Clone, Copy)]
pub struct Mail {
    /// When the first one was accepted.
    pub accepted_at: Instant,
    /// The code in the last one.
    pub code: Option<u32>,
    /// How many there were.
    pub deliveries: u32,
}

/// The mails by recipient, and how long the server thinks about each.
#[derive(Debug, Default)]
pub(super) struct Mails {
    by_recipient: Mutex<HashMap<u64, Mail>>,
    /// In milliseconds.
    delay: AtomicU64,
}

impl Mails {
    pub(super) fn add(&self, recipient: u64, code: Option<u32>) {
        let new = Mail { accepted_at: Instant::now(), code, deliveries: 0 };
        let mut mails = self.lock();
        let mail = mails.entry(recipient).or_insert(new);
        mail.code = code;
        mail.deliveries += 1;
    }

    pub(super) fn get(&self, recipient: u64) -> Option<Mail> {
        self.lock().get(&recipient).copied()
    }

    pub(super) fn recipients(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    pub(super) fn set_delay(&self, delay: Duration) {
        let milliseconds = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.delay.store(milliseconds, Ordering::Relaxed);
    }

    pub(super) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay.load(Ordering::Relaxed))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Mail>> {
        self.by_recipient.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
