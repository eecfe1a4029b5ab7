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

/// Write-ahead logging allows reads during a write; FULL syncs the log at every commit, so that
/// neither a killed process nor a power failure loses an acknowledged write. What is deleted is
/// overwritten.
const SETUP: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -1024;
    PRAGMA temp_store = MEMORY;
    PRAGMA secure_delete = ON;";

/// Files up to this size are checked for damage when they are opened, which takes a few
/// milliseconds. Checking a much larger file would delay the start.
const CHECKED_SIZE: u64 = 32 * 1024 * 1024;

/// Why the database cannot be used, in one sentence for the person who started the program.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be created, read or written.
    #[error("the database {} cannot be opened: {source}", path.display())]
    Inaccessible {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is not an SQLite database, or is damaged.
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

/// What came of emptying the write-ahead log.
#[derive(diesel::QueryableByName)]
struct Checkpoint {
    /// 1 if somebody still read it.
    #[diesel(sql_type = diesel::sql_types::Integer)]
    busy: i32,
}

type SharedConnection = Arc<Mutex<SyncConnectionWrapper<SqliteConnection>>>;

/// An open database. A clone is another handle to the same connections.
#[derive(Clone)]
pub struct Database {
    writer: SharedConnection,
    reader: SharedConnection,
    busy_timeout: Duration,
}

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the database is busy")]
    Busy,
    #[error("SQLite refused: {0}")]
    Query(#[from] diesel::result::Error),
}

/// Opens the database, creating it if there is none, checks it and brings its schema up to date.
pub async fn open(options: SqliteOptions) -> Result<Database, OpenError> {
    let busy_timeout = options.busy_timeout;
    let opening = tokio::task::spawn_blocking(move || open_connections(&options));
    let (writer, reader) =
        opening.await.map_err(|error| OpenError::Migration(error.to_string()))??;
    let shared = |connection| Arc::new(Mutex::new(SyncConnectionWrapper::new(connection)));
    Ok(Database { writer: shared(writer), reader: shared(reader), busy_timeout })
}

/// Reverts all migrations, which deletes the data. The next [`open`] applies them again.
pub async fn revert_all(database: &Database) -> Result<(), OpenError> {
    let mut writer = database.writer.lock().await;
    let reverting = writer.spawn_blocking(|connection| {
        Ok(migrations::revert_all(connection).map_err(|e| e.to_string()))
    });
    let result = reverting.await.map_err(|error| OpenError::Migration(error.to_string()))?;
    result.map_err(OpenError::Migration)
}

fn open_connections(
    options: &SqliteOptions,
) -> Result<(SqliteConnection, SqliteConnection), OpenError> {
    let path = &options.path;
    let inaccessible = |source| OpenError::Inaccessible { path: path.clone(), source };
    let damaged = |error: diesel::result::Error| OpenError::Damaged {
        path: path.clone(),
        reason: error.to_string(),
    };
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

/// Opened without SQLite, which would report an error only by number and create the file with the
/// default mode.
fn make_file(path: &Path) -> io::Result<u64> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Ok(options.open(path)?.metadata()?.len())
}

pub(super) fn connect(options: &SqliteOptions) -> Result<SqliteConnection, OpenError> {
    let path = &options.path;
    let inaccessible = |text: String| OpenError::Inaccessible {
        path: path.clone(),
        source: io::Error::other(text),
    };
    // A name that begins with `file:` would be read as a URI.
    let name = std::path::absolute(path).map_err(|error| inaccessible(error.to_string()))?;
    let name = name.to_str().ok_or_else(|| inaccessible("its path is not valid UTF-8".into()))?;
    let mut connection =
        SqliteConnection::establish(name).map_err(|error| inaccessible(error.to_string()))?;
    let wait = format!("PRAGMA busy_timeout = {}", options.busy_timeout.as_millis());
    connection.batch_execute(&wait).map_err(|error| inaccessible(error.to_string()))?;
    Ok(connection)
}

/// Checks every page of the file. Returns the first problem.
pub(super) fn check(connection: &mut SqliteConnection) -> Result<(), String> {
    #[derive(diesel::QueryableByName)]
    struct Finding {
        #[diesel(sql_type = diesel::sql_types::Text)]
        quick_check: String,
    }
    let finding: Finding = sql_query("PRAGMA quick_check(1)")
        .get_result(connection)
        .map_err(|error| error.to_string())?;
    match finding.quick_check.as_str() {
        "ok" => Ok(()),
        problem => Err(problem.lines().collect::<Vec<_>>().join(" ")),
    }
}

impl Database {
    /// Runs `work` in a transaction that takes the write lock at its start. Once started, it runs
    /// to completion on its own thread, even if the caller goes away.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        self.write_then(work, |result| result).await
    }

    /// Like [`Self::write`], and hands the result to `committed` as soon as it is on disk.
    pub(super) async fn write_then<T, U, F, C>(&self, work: F, committed: C) -> Result<U, Failure>
    where
        T: Send + 'static,
        U: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
        C: FnOnce(T) -> U + Send + 'static,
    {
        let mut writer =
            timeout(self.busy_timeout, self.writer.lock()).await.map_err(|_| Failure::Busy)?;
        let writing = writer
            .spawn_blocking(|connection| connection.immediate_transaction(work).map(committed));
        Ok(writing.await?)
    }

    /// Empties the write-ahead log, which holds what was written before it was deleted. Waits for
    /// those who read.
    pub(super) async fn empty_log(&self) -> Result<(), Failure> {
        let mut writer =
            timeout(self.busy_timeout, self.writer.lock()).await.map_err(|_| Failure::Busy)?;
        let emptying = writer.spawn_blocking(|connection| {
            sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result::<Checkpoint>(connection)
        });
        if emptying.await?.busy == 0 { Ok(()) } else { Err(Failure::Busy) }
    }

    /// Runs a query on the committed state.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        let mut reader =
            timeout(self.busy_timeout, self.reader.lock()).await.map_err(|_| Failure::Busy)?;
        Ok(reader.spawn_blocking(work).await?)
    }
}
