//! Users and outbox in PostgreSQL 14 or later, for any number of services at once.
//!
//! All times are the server's. Whatever writes runs in a task of its own, so that a caller that goes
//! away leaves no transaction open, and every wait has an end: a server that is down or hangs makes an
//! operation fail within the configured times, and nothing has to be restarted when it is back.

mod connector;
mod database;
mod dead_letters;
mod migrations;
mod options;
mod outbox;
mod purge;
mod schema;
mod user_repository;
mod user_row;

pub use database::Database;
pub use dead_letters::PostgresDeadLetters;
pub use migrations::{MigrationError, migrate, revert_all};
pub use options::{PostgresOptions, PostgresOptionsError};
pub use outbox::PostgresOutbox;
pub use user_repository::PostgresUserRepository;
