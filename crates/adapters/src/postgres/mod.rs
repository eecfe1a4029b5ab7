//! Users and outbox in PostgreSQL 14 or later, for any number of services at once.
//!
//! All times are the server's. Whatever writes runs in a task of its own, so that a caller that goes
//! away leaves no transaction open, and every wait has an end: a server that is down or hangs makes an
//! operation fail within the configured times, and nothing has to be restarted when it is back.

mod connector;
mod database;
mod dead_letters;
mod migrations;
mod outbox;
mod schema;
mod user_repository;

pub use connector::OptionsError;
pub use database::Database;
pub use dead_letters::PostgresDeadLetters;
pub use migrations::{MigrationError, migrate, revert_all};
pub use outbox::PostgresOutbox;
pub use user_repository::PostgresUserRepository;

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;

/// Where the database is and how long it is waited for.
#[derive(Clone, Debug)]
pub struct Options {
    /// `postgres://user:password@host:port/database`. With `?sslmode=require`, `verify-ca` or
    /// `verify-full` the connection is encrypted and the server's certificate verified, its name
    /// included; otherwise there is no TLS. Of several hosts, `host1:port1,host2:port2`, the first that
    /// can be connected to is used.
    pub url: SecretString,
    /// A PEM file with the authorities that are trusted; by default those of the operating system.
    pub root_certificates: Option<PathBuf>,
    /// The most connections that are open at once; at least 1.
    pub pool_size: usize,
    /// How long one attempt to connect may take, TLS and authentication included; at least 1 ms. Each of
    /// several hosts has its share of it to answer, or what `connect_timeout` in the URL says.
    pub connect_timeout: Duration,
    /// How long an operation waits for a connection of the pool; at least 1 ms.
    pub wait_timeout: Duration,
    /// How long an operation may take once it has a connection; the server ends a statement then too. At
    /// least 1 ms.
    pub statement_timeout: Duration,
}
