//! Where the SQLite file is and how long it is waited for.

use std::path::PathBuf;
use std::time::Duration;

/// Where the database is and how long it is waited for.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The file. It is made, readable by its owner only, if it does not exist; its directory is not.
    pub path: PathBuf,
    /// How long an operation waits for another that is writing, also in another process.
    pub busy_timeout: Duration,
}
