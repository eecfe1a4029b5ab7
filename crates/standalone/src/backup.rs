//! `backup`: a copy of the database in a file of its own, readable by its owner only.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use adapters::sqlite::{self, SqliteOptions};
use tempfile::NamedTempFile;

/// Why no backup was made. Whatever it was, the file that was named is as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    #[error("{} exists and is not overwritten; name a file that does not exist yet", .0.display())]
    Exists(PathBuf),
    #[error(
        "cannot write a backup to {}: {problem}; name a file in a folder that exists, with room for a copy of \
         the database",
        path.display()
    )]
    Unwritable { path: PathBuf, problem: io::ErrorKind },
    #[error(
        "cannot copy the database to {}: {problem}; see that there is room for a copy, and what `doctor` says \
         of the database",
        path.display()
    )]
    Copy { path: PathBuf, problem: sqlite::BackupError },
}

/// Copies the database to `file`, which must not exist. It appears under its name when it is complete
/// and on disk.
pub(crate) async fn back_up(database: SqliteOptions, file: &Path) -> Result<Backup, BackupError> {
    // The kind alone: the name of the unfinished file would confuse.
    let unwritable =
        |error: io::Error| BackupError::Unwritable { path: file.to_owned(), problem: error.kind() };
    if fs::symlink_metadata(file).is_ok() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let path = std::path::absolute(file).map_err(unwritable)?;
    let folder = path.parent().unwrap_or(&path);
    let copy = tempfile::Builder::new()
        .prefix(".unfinished-backup-")
        .tempfile_in(folder)
        .map_err(unwritable)?;
    let from = database.path.clone();
    sqlite::back_up(database, copy.path().to_owned())
        .await
        .map_err(|problem| BackupError::Copy { path: file.to_owned(), problem })?;
    let bytes = keep(copy, file).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(file.to_owned()),
        _ => unwritable(error),
    })?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(unwritable)?;
    Ok(Backup { database: from, file: file.to_owned(), bytes })
}

/// Brings the copy to the disk before it gets its name, and returns its size.
fn keep(copy: NamedTempFile, file: &Path) -> io::Result<u64> {
    copy.as_file().sync_all()?;
    let copy = copy.persist_noclobber(file)?;
    Ok(copy.metadata()?.len())
}

/// A backup that was made.
pub(crate) struct Backup {
    database: PathBuf,
    file: PathBuf,
    bytes: u64,
}

impl fmt::Display for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { database, file, bytes } = self;
        let kilobytes = bytes.div_ceil(1000);
        writeln!(f, "{} is backed up to {} ({kilobytes} kB).", database.display(), file.display())?;
        writeln!(
            f,
            "In it: the accounts with the hashes of their passwords, the registrations under way, the mails \
             that are due, the dead letters."
        )?;
        writeln!(
            f,
            "Not in it: the code key (code.key), the settings with their passwords and tokens, and what only \
             the running process knows: the minutes of codes, guesses, limits. Keep the key and the settings \
             apart from the backup."
        )
    }
}
