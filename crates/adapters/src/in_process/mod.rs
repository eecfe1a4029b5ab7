//! The parts of the standalone system that live in its own memory. They keep the same contracts as their
//! distributed counterparts, for one process: what they hold is gone when it ends, so nothing that a
//! client was promised may depend on them alone.
//!
//! Time is [`tokio::time::Instant`], which tests can pause and advance.

mod code_store;
mod event_bus;
mod expiring_map;
mod guess_budget;
mod rate_limiter;

pub use code_store::InProcessCodeStore;
pub use event_bus::InProcessEventBus;
pub use guess_budget::InProcessGuessBudget;
pub use rate_limiter::InProcessRateLimiter;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// How many entries a store holds unless told otherwise: some ten megabytes of windows or limits; of guesses
/// some seventy, when every address has used up the usual twenty.
const CAPACITY: usize = 100_000;

/// The longest duration that is told from for ever. Keeps sums of instants in range.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// The digest that stands for an address or a limit key: a short key of fixed size.
type KeyDigest = [u8; 32];

fn digest(text: &str) -> KeyDigest {
    Sha256::digest(text.as_bytes()).into()
}

fn after(now: Instant, duration: Duration) -> Instant {
    now + duration.min(LONGEST)
}

/// Every change is completed before its lock is let go, so a poisoned lock guards nothing broken.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
