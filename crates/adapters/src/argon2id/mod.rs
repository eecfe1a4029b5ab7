//! Password hashing with Argon2id (RFC 9106) on its own threads.
//!
//! Hashing is the most expensive thing the system does, so everything about it is bounded:
//! concurrent hashes by the number of threads, waiting ones by the queue, which takes only what can
//! begin in time. No hash starts after its deadline or for a caller that has gone away. Passwords
//! that are verified go before new ones: their owners have been here before. Those that the product
//! asks about go last, and get a quarter of the queue. Must never run on a thread of the async
//! executor, and must never make one wait for a lock that is held while hashing.

mod estimate;
mod hasher;
mod held_back;
mod job;
mod memory;
mod options;
mod pool;
mod queue;

pub use options::Argon2idOptions;
pub use pool::{HashPool, HashPoolError, ProductHasher};
