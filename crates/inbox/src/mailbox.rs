//! The mails in memory, newest last. Bounded: an inbox that nobody empties drops its oldest mails.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use uuid::Uuid;

use crate::mail::{Envelope, Mail};

/// How many changes a slow subscriber may fall behind before it has to read the entries again.
const CHANGES_KEPT: usize = 64;

/// How much an inbox keeps.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// The most mails kept.
    pub mails: usize,
    /// The most bytes kept, counted as received.
    pub bytes: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { mails: 500, bytes: 16 * 1024 * 1024 }
    }
}

/// A change to the mailbox.
#[derive(Debug, Clone)]
pub enum Change {
    /// A mail has arrived.
    Arrived(Arc<Mail>),
    /// Mails were deleted, or marked as read or unread.
    Altered,
}

/// A mail and whether it has been read.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The mail.
    pub mail: Arc<Mail>,
    /// Whether it has been read.
    pub read: bool,
}

/// Counts since the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    /// Mails received.
    pub accepted: u64,
    /// Bytes received.
    pub accepted_bytes: u64,
    /// Mails deleted on request.
    pub deleted: u64,
}

/// Which mails an operation applies to.
#[derive(Debug, Clone)]
pub enum Selection {
    /// All of them.
    All,
    /// The ones with these identifiers.
    Ids(HashSet<String>),
}

/// The mails of an inbox.
#[derive(Debug)]
pub struct Mailbox {
    capacity: Capacity,
    state: Mutex<State>,
    changes: broadcast::Sender<Change>,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    bytes: usize,
    totals: Totals,
}

impl Mailbox {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self { capacity, state: Mutex::default(), changes: broadcast::Sender::new(CHANGES_KEPT) }
    }

    /// Adds a mail, and drops the oldest ones beyond the capacity.
    pub fn add(&self, envelope: Envelope, raw: Vec<u8>) -> Arc<Mail> {
        let mail = Arc::new(Mail::parse(stamp_arrival(), envelope, raw));
        let size = mail.raw.len();
        {
            let mut state = self.lock();
            state.totals.accepted += 1;
            state.totals.accepted_bytes += size as u64;
            state.bytes += size;
            state.entries.push_back(Entry { mail: mail.clone(), read: false });
            while state.entries.len() > self.capacity.mails || state.bytes > self.capacity.bytes {
                let Some(oldest) = state.entries.pop_front() else { break };
                state.bytes -= oldest.mail.raw.len();
            }
        }
        self.announce(Change::Arrived(mail.clone()));
        mail
    }

    /// All mails, newest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.iter().rev().cloned().collect()
    }

    /// The mail with this identifier; `latest` means the newest.
    pub fn get(&self, id: &str) -> Option<Arc<Mail>> {
        let state = self.lock();
        let mut newest_first = state.entries.iter().rev();
        let found = newest_first.find(|entry| id == "latest" || entry.mail.overview.id == id);
        found.map(|entry| entry.mail.clone())
    }

    /// Marks mails as read or unread.
    pub fn set_read(&self, selection: &Selection, read: bool) {
        let mut altered = false;
        for entry in &mut self.lock().entries {
            if entry.read != read && selection.includes(entry) {
                entry.read = read;
                altered = true;
            }
        }
        if altered {
            self.announce(Change::Altered);
        }
    }

    /// Deletes mails.
    pub fn delete(&self, selection: &Selection) {
        let altered = {
            let mut state = self.lock();
            let before = state.entries.len();
            state.entries.retain(|entry| !selection.includes(entry));
            state.bytes = state.entries.iter().map(|entry| entry.mail.raw.len()).sum();
            let deleted = before - state.entries.len();
            state.totals.deleted += deleted as u64;
            deleted > 0
        };
        if altered {
            self.announce(Change::Altered);
        }
    }

    /// Counts since the start.
    pub fn totals(&self) -> Totals {
        self.lock().totals
    }

    /// The size of all mails as received, in bytes.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Subscribes to changes from now on. A subscriber that falls behind is told so, and should
    /// read [`Mailbox::entries`] again.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Waits for a mail that matches, and returns the newest. Never times out: callers set the
    /// deadline.
    pub async fn wait_for(&self, matches: impl Fn(&Mail) -> bool) -> Arc<Mail> {
        let mut changes = self.subscribe();
        loop {
            if let Some(entry) = self.entries().into_iter().find(|entry| matches(&entry.mail)) {
                return entry.mail;
            }
            // Either a change arrived or some were missed: look again.
            let _ = changes.recv().await;
        }
    }

    fn announce(&self, change: Change) {
        // It is no failure if there are no subscribers.
        let _ = self.changes.send(change);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Selection {
    fn includes(&self, entry: &Entry) -> bool {
        match self {
            Self::All => true,
            Self::Ids(ids) => ids.contains(&entry.mail.overview.id),
        }
    }
}

/// A new identifier, which holds the time of arrival by the inbox's own clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the IdSource port belongs to the domain, which the inbox does not depend on"
)]
fn stamp_arrival() -> Uuid {
    Uuid::now_v7()
}
