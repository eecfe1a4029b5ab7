//! The stores and the event bus of the standalone system, in memory. They keep the same contracts
//! as their distributed counterparts, for one process. Their content is gone when the process ends,
//! so nothing that a client was promised may depend on them alone.
//!
//! Time is measured with [`tokio::time::Instant`], which tests can pause and advance.

mod clock;
mod code_store;
mod event_bus;
mod expiring_map;
mod guess_budget;
mod key_digest;
mod rate_limiter;

pub use code_store::InProcessCodeStore;
pub use event_bus::InProcessEventBus;
pub use guess_budget::InProcessGuessBudget;
pub use rate_limiter::InProcessRateLimiter;
