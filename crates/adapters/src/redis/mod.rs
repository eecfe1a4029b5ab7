//! What the services share through Redis: code windows, budgets of guesses and mails, rate limits.
//!
//! Every step is one Lua script or command on one key, and therefore atomic, even on a node of a
//! Redis Cluster. But the client talks to one server: it does not follow a cluster's
//! redirections. The only clock is the server's. No key and no value may hold a code or an address:
//! addresses and limit keys appear as SHA-256 digests.
//!
//! Needs Redis 5, the first whose scripts may read the clock before they write. A server that
//! evicts keys (`maxmemory-policy` other than `noeviction`) or loses them at a restart (`appendonly
//! no`) forgets windows, which then count as unknown, and guesses, which are then allowed again.

mod budget;
mod code_store;
mod connection;
mod diagnosis;
mod error;
mod options;
mod probe;
mod rate_limiter;
mod script_arguments;
mod supervisor;

pub use budget::RedisBudget;
pub use code_store::RedisCodeStore;
pub use connection::{Connection, connect};
pub use diagnosis::diagnose;
pub use error::ConnectionError;
pub use options::{RedisOptions, RedisOptionsError};
pub use rate_limiter::RedisRateLimiter;
