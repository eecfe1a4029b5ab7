//! Brings the schema up to date: `migrations/sqlite`, embedded.

use diesel::SqliteConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// The versions of all migrations.
pub(super) fn versions() -> diesel::migration::Result<Vec<String>> {
    let migrations: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations()?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}

/// Applies the missing migrations in order.
pub(super) fn migrate(connection: &mut SqliteConnection) -> diesel::migration::Result<()> {
    connection.run_pending_migrations(MIGRATIONS).map(drop)
}

/// Reverts all migrations, which deletes the data.
pub(super) fn revert_all(connection: &mut SqliteConnection) -> diesel::migration::Result<()> {
    connection.revert_all_migrations(MIGRATIONS).map(drop)
}
