//! What was seen of faults, processes and servers.

use super::At;
use crate::schedule::Fault;

/// A fault as it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// What was broken.
    pub fault: Fault,
    /// When it began, at the latest.
    pub begin: At,
    /// When everything worked again, at the earliest.
    pub end: At,
    /// What showed that it had an effect; an error says what was seen instead.
    pub effect: Result<String, String>,
}

impl Observed {
    /// Whether it overlaps a span of time.
    pub fn overlaps(&self, from: At, to: At) -> bool {
        self.begin <= to && self.end >= from
    }
}

/// A process that ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub process: String,
    /// When that was noticed.
    pub at: At,
    /// How it ended.
    pub status: String,
}

/// What is left somewhere that should be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Where: an outbox, or a queue.
    pub place: String,
    /// How many.
    pub count: u64,
}

/// What can run short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Resident memory, in KiB.
    Memory,
    /// Open files and sockets.
    Descriptors,
    /// Threads.
    Threads,
    /// Connections that a server has.
    Connections,
}

impl Quantity {
    /// How much may be used after the last fault, if this much was used before the first.
    ///
    /// Pools grow to their size under load and allocators keep what they had, so the bounds are
    /// wide enough for that, and too narrow for what grows with each fault.
    pub fn allowance(self, before: u64) -> u64 {
        match self {
            Self::Memory => before * 2 + 32 * 1024,
            Self::Descriptors | Self::Connections => before + 24,
            Self::Threads => before + 4,
        }
    }

    /// Its name, with the unit.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "KiB of memory",
            Self::Descriptors => "descriptors",
            Self::Threads => "threads",
            Self::Connections => "connections",
        }
    }
}

/// What one process or server used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Which process or server.
    pub of: String,
    /// Of what.
    pub quantity: Quantity,
    /// Before the first fault.
    pub before: u64,
    /// After the last.
    pub after: u64,
}

impl Usage {
    /// Whether no more is used than may be.
    pub fn has_returned(&self) -> bool {
        self.after <= self.quantity.allowance(self.before)
    }
}
