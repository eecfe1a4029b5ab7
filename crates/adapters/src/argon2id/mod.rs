//! Password hashing with Argon2id (RFC 9106) on threads of its own.
//!
//! Hashing is the costliest thing the system does, so it is bounded in every direction: as many hashes at
//! once as there are threads, as many waiting as the queue holds, none that begins after its deadline, none
//! for a caller who has gone. Must never run on a thread of the async executor, and must never make one
//! wait for a lock that is held while hashing.

mod hasher;
mod job;
mod options;
mod pool;
mod queue;

pub use options::Argon2idOptions;
pub use pool::{HashPool, HashPoolError};
