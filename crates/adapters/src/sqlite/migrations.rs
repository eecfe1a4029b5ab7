//! Brings the schema up to date: `migrations/sqlite`, embedded.

use diesel::SqliteConnection;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Applies the missing migrations in order.
pub(super) fn migrate(connection: &mut SqliteConnection) -> diesel::migration::Result<()> {
    connection.run_pending_migrations(MIGRATIONS).map(drop)
}

/// Reverts all migrations, which deletes the data.
pub(super) fn revert_all(connection: &mut SqliteConnection) -> diesel::migration::Result<()> {
    connection.revert_all_migrations(MIGRATIONS).map(drop)
}
