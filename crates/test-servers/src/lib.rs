//! Private servers for tests: real PostgreSQL, Redis and RabbitMQ, each on free ports of the
//! loopback address with its data in a given folder, stopped when it is dropped.
//!
//! Any number of them can run side by side. Nothing outside the given folder is read or written, and
//! no server that was not started here is ever touched. `cargo xtask` compiles this crate each time
//! it has changed, so there are no clients in it: it talks to the servers by the command-line tools of
//! their own packages.

mod error;
mod log;
mod pgbouncer;
mod ports;
mod postgres;
mod process;
mod rabbitmq;
mod readiness;
mod redis;
mod server;
mod tool;
mod usage;
mod wall_clock;

pub use error::ServerError;
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use process::{Group, Interrupt, POLL, ProcessError, Signal, find_program, text};
pub use rabbitmq::{Permission, Queue, RabbitMq};
pub use redis::{Redis, RedisCluster, RedisSentinel};
pub use server::{Server, Storage};
pub use usage::Usage;
pub use wall_clock::WallClock;
