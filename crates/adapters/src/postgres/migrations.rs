//! Brings the schema up to date: `migrations/postgres`, embedded.
//!
//! Keeps nothing in a session, so that it works through a transaction pooler too.

use std::time::Duration;

use diesel::dsl::select;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::Text;
use diesel::{Connection, sql_query};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tokio::time::sleep;

use super::connector::Connector;
use super::options::{PostgresOptions, PostgresOptionsError};
use super::schema::pg_try_advisory_xact_lock;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Keeps replicas that start together from migrating at the same time. Any constant will do.
const LOCK: i64 = 7_021_853_662_190_145;

/// How long a replica that found the lock taken waits until it asks again.
const LOCK_RETRY_DELAY: Duration = Duration::from_millis(200);

/// A connection as the migrations use it: they block.
type Blocking = AsyncConnectionWrapper<AsyncPgConnection>;

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

/// The versions of all migrations.
pub(super) fn versions() -> diesel::migration::Result<Vec<String>> {
    let migrations: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations()?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}

/// Applies the missing migrations in order and returns how many there were. Waits for a replica
/// that is migrating. Has no time limit except for connecting.
pub async fn migrate(options: &PostgresOptions) -> Result<usize, MigrationError> {
    run(options, apply_pending).await
}

/// Reverts all migrations, which deletes the data, and returns how many there were.
pub async fn revert_all(options: &PostgresOptions) -> Result<usize, MigrationError> {
    run(options, revert_applied).await
}

async fn run(
    options: &PostgresOptions,
    work: fn(&mut Blocking) -> diesel::migration::Result<usize>,
) -> Result<usize, MigrationError> {
    let connector = Connector::new(options)?;
    let lock = connector.connect(Duration::ZERO).await?;
    let lock = take_lock(lock).await.map_err(|error| MigrationError::Migration(error.into()))?;
    let connection = connector.connect(Duration::ZERO).await?;
    // The harness blocks, so it runs on a thread meant for that.
    let outcome = tokio::task::spawn_blocking(move || work(&mut Blocking::from(connection))).await;
    drop(lock);
    outcome
        .map_err(|error| MigrationError::Migration(error.into()))?
        .map_err(MigrationError::Migration)
}

/// Takes the lock in a transaction that lasts as long as the connection. A session's lock would
/// stay behind with the session that a pooler keeps. Asks again and again instead of waiting within
/// a statement, on which building an index concurrently would wait in turn.
async fn take_lock(mut connection: AsyncPgConnection) -> diesel::QueryResult<AsyncPgConnection> {
    let mut is_reported = false;
    loop {
        connection.batch_execute("BEGIN").await?;
        if select(pg_try_advisory_xact_lock(LOCK)).get_result(&mut connection).await? {
            // A further statement also closes the one before, whose snapshot would hold up an
            // index.
            connection.batch_execute("SET LOCAL idle_in_transaction_session_timeout = 0").await?;
            return Ok(connection);
        }
        connection.batch_execute("ROLLBACK").await?;
        if !is_reported {
            tracing::info!(
                event = "schema.waiting",
                "waiting for another process that is migrating: it holds advisory lock {LOCK}"
            );
            is_reported = true;
        }
        sleep(LOCK_RETRY_DELAY).await;
    }
}

/// Each migration has a transaction of its own, together with the note that it was applied. Those
/// that cannot run in one are noted together with the next that can: if they were interrupted, they
/// are all run again.
fn apply_pending(connection: &mut Blocking) -> diesel::migration::Result<usize> {
    let pending = transact(connection, |connection| connection.pending_migrations(MIGRATIONS))?;
    let mut unnoted: Vec<&dyn Migration<Pg>> = Vec::new();
    for migration in &pending {
        if !migration.metadata().run_in_transaction() {
            migration.run(connection)?;
            unnoted.push(&**migration);
            continue;
        }
        transact(connection, |connection| {
            for migration in unnoted.drain(..) {
                note(connection, migration)?;
            }
            connection.run_migration(migration)?;
            Ok(())
        })?;
    }
    transact(connection, |connection| {
        unnoted.into_iter().try_for_each(|left| note(connection, left))
    })?;
    Ok(pending.len())
}

fn revert_applied(connection: &mut Blocking) -> diesel::migration::Result<usize> {
    let reverted =
        transact(connection, |connection| Ok(connection.revert_all_migrations(MIGRATIONS)?.len()))?;
    Ok(reverted)
}

fn note(connection: &mut Blocking, migration: &dyn Migration<Pg>) -> diesel::migration::Result<()> {
    let version = migration.name().version().to_string();
    let note = sql_query("INSERT INTO __diesel_schema_migrations (version) VALUES ($1)");
    diesel::RunQueryDsl::execute(note.bind::<Text, _>(version), connection)?;
    Ok(())
}

/// Behind a transaction pooler nothing is sent outside a transaction: statements have names.
fn transact<T>(
    connection: &mut Blocking,
    work: impl FnOnce(&mut Blocking) -> diesel::migration::Result<T>,
) -> diesel::migration::Result<T> {
    connection.transaction(work)
}
