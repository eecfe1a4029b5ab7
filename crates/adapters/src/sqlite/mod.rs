//! Users and outbox in one SQLite file, for one process.
//!
//! All times are SQLite's own. One connection writes, each change in one transaction that is on
//! disk before it is acknowledged; a second connection reads at the same time.

mod accounts;
mod backup;
mod database;
mod dead_letters;
mod diagnosis;
mod migrations;
mod options;
mod outbox;
mod outbox_status;
mod probe;
mod purge;
mod schema;
mod suppressions;
mod text_uuid;
mod user_repository;

pub use backup::{BackupError, back_up};
pub use database::{Database, OpenError, open, revert_all};
pub use dead_letters::SqliteDeadLetters;
pub use diagnosis::diagnose;
pub use options::SqliteOptions;
pub use outbox::SqliteOutbox;
pub use outbox_status::SqliteOutboxMonitor;
pub use suppressions::SqliteSuppressions;
pub use user_repository::SqliteUserRepository;
