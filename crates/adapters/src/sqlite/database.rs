//! The file, its two connections, and the ways to use them.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, QueryResult, RunQueryDsl, SqliteConnection, sql_query};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::migrations;
use super::options::SqliteOptions;

/// Write-ahead logging lets reads go on beside a write; FULL synchronises the log at every commit, so
/// that neither a killed process nor a power failure takes back what was acknowledged.
const SETUP: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -1024;
    PRAGMA temp_store = MEMORY;";

/// A file of up to this size is checked for damage when it is opened; it takes some milliseconds. The
/// check of a much larger one would delay the start.
const CHECKED_SIZE: u64 = 32 * 1024 * 1024;

/// Why the database cannot be used. Each is one sentence for the person who started the program.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be made, read or written.
    #[error("the database {} cannot be opened: {source}", path.display())]
    Inaccessible {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is no SQLite database, or is damaged.
    #[error("the database {} is damaged or is not a database of this program: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The schema cannot be brought up to date.
    #[error("the schema of the database cannot be migrated: {0}")]
    Migration(String),
}

type SharedConnection = Arc<Mutex<SyncConnectionWrapper<SqliteConnection>>>;

/// An open database. Cloning it gives another handle on the same connections.
#[derive(Clone)]
pub struct Database {
    writer: SharedConnection,
    reader: SharedConnection,
    busy_timeout: Duration,
}

/// Why the database did not do as asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the database is busy")]
    Busy,
    #[error("SQLite refused: {0}")]
    Query(#[from] diesel::result::Error),
}

/// Opens the database, makes it if there is none, checks it and brings its schema up to date.
pub async fn open(options: SqliteOptions) -> Result<Database, OpenError> {
    let busy_timeout = options.busy_timeout;
    let opening = tokio::task::spawn_blocking(move || open_connections(&options));
    let (writer, reader) = opening.await.map_err(|error| OpenError::Migration(error.to_string()))??;
    let shared = |connection| Arc::new(Mutex::new(SyncConnectionWrapper::new(connection)));
    Ok(Database { writer: shared(writer), reader: shared(reader), busy_timeout })
}

/// Takes all migrations back, and the data with them. The next [`open`] applies them again.
pub async fn revert_all(database: &Database) -> Result<(), OpenError> {
    let mut writer = database.writer.lock().await;
    let reverting =
        writer.spawn_blocking(|connection| Ok(migrations::revert_all(connection).map_err(|e| e.to_string())));
    let result = reverting.await.map_err(|error| OpenError::Migration(error.to_string()))?;
    result.map_err(OpenError::Migration)
}

fn open_connections(options: &SqliteOptions) -> Result<(SqliteConnection, SqliteConnection), OpenError> {
    let path = &options.path;
    let inaccessible = |source| OpenError::Inaccessible { path: path.clone(), source };
    let damaged =
        |error: diesel::result::Error| OpenError::Damaged { path: path.clone(), reason: error.to_string() };
    let size = make_file(path).map_err(inaccessible)?;
    let mut writer = connect(options)?;
    writer.batch_execute(SETUP).map_err(damaged)?;
    if size <= CHECKED_SIZE {
        check(&mut writer).map_err(|reason| OpenError::Damaged { path: path.clone(), reason })?;
    }
    migrations::migrate(&mut writer).map_err(|error| OpenError::Migration(error.to_string()))?;
    let mut reader = connect(options)?;
    reader.batch_execute("PRAGMA cache_size = -1024; PRAGMA query_only = ON").map_err(damaged)?;
    Ok((writer, reader))
}

/// SQLite would give the reason away only by a number, and its files the mode of the process.
fn make_file(path: &Path) -> io::Result<u64> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Ok(options.open(path)?.metadata()?.len())
}

fn connect(options: &SqliteOptions) -> Result<SqliteConnection, OpenError> {
    let path = &options.path;
    let inaccessible =
        |text: String| OpenError::Inaccessible { path: path.clone(), source: io::Error::other(text) };
    // A name that begins with `file:` would be read as a URI.
    let name = std::path::absolute(path).map_err(|error| inaccessible(error.to_string()))?;
    let name = name.to_str().ok_or_else(|| inaccessible("its path is not valid UTF-8".into()))?;
    let mut connection =
        SqliteConnection::establish(name).map_err(|error| inaccessible(error.to_string()))?;
    let wait = format!("PRAGMA busy_timeout = {}", options.busy_timeout.as_millis());
    connection.batch_execute(&wait).map_err(|error| inaccessible(error.to_string()))?;
    Ok(connection)
}

/// Looks at every page of the file. Returns the first thing that is wrong with it.
fn check(connection: &mut SqliteConnection) -> Result<(), String> {
    #[derive(diesel::QueryableByName)]
    struct Finding {
        #[diesel(sql_type = diesel::sql_types::Text)]
        quick_check: String,
    }
    let finding: Finding =
        sql_query("PRAGMA quick_check(1)").get_result(connection).map_err(|error| error.to_string())?;
    match finding.quick_check.as_str() {
        "ok" => Ok(()),
        problem => Err(problem.lines().collect::<Vec<_>>().join(" ")),
    }
}

impl Database {
    /// Runs `work` in a transaction that has the write lock from its start. Once begun, it runs to its
    /// end on a thread of its own, even when the caller goes away.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        self.write_then(work, |_| ()).await
    }

    /// Like [`Self::write`], and tells `committed` what came of it as soon as it is on the disk.
    pub(super) async fn write_then<T, F, C>(&self, work: F, committed: C) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
        C: FnOnce(&T) + Send + 'static,
    {
        let mut writer = timeout(self.busy_timeout, self.writer.lock()).await.map_err(|_| Failure::Busy)?;
        let writing = writer.spawn_blocking(|connection| {
            let result = connection.immediate_transaction(work)?;
            committed(&result);
            Ok(result)
        });
        Ok(writing.await?)
    }

    /// Runs a query on the state that is committed now.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        let mut reader = timeout(self.busy_timeout, self.reader.lock()).await.map_err(|_| Failure::Busy)?;
        Ok(reader.spawn_blocking(work).await?)
    }
}
