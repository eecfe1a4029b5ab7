//! Users and outbox in PostgreSQL 14 or later, for any number of services at once.
//!
//! All times are the server's. Every write runs in its own task, so that a caller that goes away
//! leaves no transaction open. Every wait is bounded: if the server is down or hangs, operations
//! fail within the configured timeouts, and nothing needs a restart when it is back. A connection
//! to a server that takes no writes, a standby for example, is never made or kept.

mod accounts;
mod claims;
mod connector;
mod database;
mod dead_letters;
mod diagnosis;
mod gathering;
mod migrations;
mod options;
mod outbox;
mod outbox_statements;
mod outbox_status;
mod probe;
mod purge;
mod schema;
mod suppressions;
mod system_time;
mod user_repository;
mod user_statements;
mod with_events;

pub use database::{Database, PoolUse};
pub use dead_letters::PostgresDeadLetters;
pub use diagnosis::diagnose;
pub use migrations::{MigrationError, migrate, revert_all};
pub use options::{PostgresOptions, PostgresOptionsError};
pub use outbox::PostgresOutbox;
pub use outbox_status::PostgresOutboxMonitor;
pub use suppressions::PostgresSuppressions;
pub use user_repository::PostgresUserRepository;
