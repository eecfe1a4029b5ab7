//! Brings the schema up to date: `migrations/postgres`, embedded.

use std::time::Duration;

use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connector::Connector;
use super::options::{PostgresOptions, PostgresOptionsError};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Keeps replicas that start together from migrating at the same time. Any constant will do.
const LOCK: &str = "SELECT pg_advisory_lock(7021853662190145)";

/// Why the schema is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The options are not usable.
    #[error(transparent)]
    Options(#[from] PostgresOptionsError),
    /// There is no connection.
    #[error("cannot connect to PostgreSQL: {0}")]
    Connect(#[from] diesel::ConnectionError),
    /// A migration failed, and was rolled back.
    #[error("the database schema cannot be migrated: {0}")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Applies the missing migrations in order and returns how many there were. Waits for a replica
/// that is migrating. Has no time limit except for connecting.
pub async fn migrate(options: &PostgresOptions) -> Result<usize, MigrationError> {
    run(options, |connection| Ok(connection.run_pending_migrations(MIGRATIONS)?.len())).await
}

/// Reverts all migrations, which deletes the data, and returns how many there were.
pub async fn revert_all(options: &PostgresOptions) -> Result<usize, MigrationError> {
    run(options, |connection| Ok(connection.revert_all_migrations(MIGRATIONS)?.len())).await
}

async fn run(
    options: &PostgresOptions,
    work: fn(&mut AsyncConnectionWrapper<AsyncPgConnection>) -> diesel::migration::Result<usize>,
) -> Result<usize, MigrationError> {
    let mut connection = Connector::new(options)?.connect(Duration::ZERO).await?;
    connection.batch_execute(LOCK).await.map_err(|error| MigrationError::Migration(error.into()))?;
    // The harness blocks, so it runs on a thread meant for that.
    tokio::task::spawn_blocking(move || work(&mut AsyncConnectionWrapper::from(connection)))
        .await
        .map_err(|error| MigrationError::Migration(error.into()))?
        .map_err(MigrationError::Migration)
}
