//! What the services share through Redis: code windows, budgets of guesses and mails, rate limits.
//!
//! Every step is one Lua script or command on one key, and therefore atomic, also in a Redis Cluster,
//! each of whose nodes has some of the keys. The only clock is the server's. No key and no value may hold a code or an address:
//! addresses and limit keys appear as SHA-256 digests.
//!
//! Needs Redis 5, the first whose scripts may read the clock before they write. A server that
//! evicts keys (`maxmemory-policy` other than `noeviction`) or loses them at a restart (`appendonly
//! no`) forgets windows, which then count as unknown, and guesses, which are then allowed again.

mod address;
mod budget;
mod cluster;
mod code_store;
mod command;
mod connection;
mod deadline;
mod destination;
mod diagnosis;
mod error;
mod node;
mod open;
mod options;
mod probe;
mod rate_limiter;
mod script_arguments;
mod sentinel;
mod supervisor;
mod url;

pub use budget::RedisBudget;
pub use code_store::RedisCodeStore;
pub use connection::{Connection, connect};
pub use diagnosis::diagnose;
pub use error::ConnectionError;
pub use options::{RedisOptions, RedisOptionsError};
pub use rate_limiter::RedisRateLimiter;
