//! A copy of the database, made while it is in use.

use std::path::PathBuf;

use diesel::sql_types::Text;
use diesel::{RunQueryDsl, sql_query};

use super::database::{OpenError, connect};
use super::options::SqliteOptions;

/// Why the copy was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The copy cannot be written, or the database is damaged.
    #[error("{0}")]
    Copy(String),
}

/// Writes all that is committed at one moment to an empty file. Nobody waits meanwhile: with a
/// write-ahead log a reader and the writer do not disturb each other. The copy is one file without a
/// log of its own, and is not synced yet.
pub async fn back_up(options: SqliteOptions, file: PathBuf) -> Result<(), BackupError> {
    let copying = tokio::task::spawn_blocking(move || copy(&options, file));
    copying.await.map_err(|error| BackupError::Copy(error.to_string()))?
}

fn copy(options: &SqliteOptions, file: PathBuf) -> Result<(), BackupError> {
    let failed = |error: &dyn std::fmt::Display| BackupError::Copy(error.to_string());
    // A name that begins with `file:` would be read as a URI.
    let file = std::path::absolute(file).map_err(|error| failed(&error))?;
    let name = file.to_str().ok_or_else(|| failed(&"its path is not valid UTF-8"))?;
    let mut connection = connect(options)?;
    sql_query("VACUUM INTO ?")
        .bind::<Text, _>(name)
        .execute(&mut connection)
        .map_err(|error| failed(&error))?;
    Ok(())
}
