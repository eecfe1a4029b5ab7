//! What a registration costs and how long it takes, measured from outside: the released binaries on
//! real PostgreSQL, Redis and RabbitMQ of their own, with the data kept as in production.
//!
//! Load generator and mail server run on one thread each, so that what they cost can be told apart.
//! `docs/performance.md` says how the figures are taken.

pub mod arguments;
mod error;
pub mod load;
pub mod machine;
pub mod report;
pub mod scenarios;
pub mod statistics;
pub mod system;

pub use error::BenchError;
