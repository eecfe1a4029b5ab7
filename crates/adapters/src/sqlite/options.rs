//! Where the SQLite file is and how long to wait for it.

use std::path::PathBuf;
use std::time::Duration;

/// Where the database is and how long to wait for it.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The file. Created, readable by its owner only, if it does not exist; its directory is not.
    pub path: PathBuf,
    /// How long an operation waits for another one that is writing, in this or another process.
    pub busy_timeout: Duration,
}
