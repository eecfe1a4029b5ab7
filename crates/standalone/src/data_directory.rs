//! `./data`: the database and the code key, readable by their owner only.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

mod diagnosis;

pub(crate) use diagnosis::diagnose;

const DATABASE: &str = "registration.sqlite3";
const CODE_KEY: &str = "code.key";
const PRODUCT_TOKEN: &str = "product.token";

/// Where everything that outlives the process lies. Locked: two processes on one directory would
/// deliver every event twice.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    // The lock lasts as long as the file is open, and no longer than the process.
    _lock: File,
}

/// Why the directory cannot be used: one sentence that names it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirectoryError {
    /// It cannot be made, or nothing can be written in it.
    #[error("cannot use the data directory {}: {source}; choose another one with --data-dir", path.display())]
    Unusable {
        /// The directory or the file in it.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Another process has it.
    #[error(
        "the data directory {} is in use by another process; stop that one or choose another with --data-dir",
        .0.display()
    )]
    InUse(PathBuf),
    /// A command was given a directory in which nothing ever ran.
    #[error("there is no database in {}; name the right directory with --data-dir", .0.display())]
    NoDatabase(PathBuf),
    /// The operating system gave no random bytes.
    #[error("the operating system has no random bytes for a secret: {0}")]
    NoRandomness(String),
}

impl DataDirectory {
    /// Opens the directory, making it (mode 0700) where it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self, DataDirectoryError> {
        let unusable = |source| DataDirectoryError::Unusable { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(std::fs::TryLockError::WouldBlock) => {
                Err(DataDirectoryError::InUse(path.to_owned()))
            }
            Err(std::fs::TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// The database file.
    pub(crate) fn database(&self) -> PathBuf {
        Self::database_in(&self.path)
    }

    /// The database file of a directory that is only looked at.
    pub(crate) fn database_in(path: &Path) -> PathBuf {
        path.join(DATABASE)
    }

    /// The database in a directory that another process may be using, for what disturbs nobody
    /// there.
    pub(crate) fn existing_database(path: &Path) -> Result<PathBuf, DataDirectoryError> {
        let database = Self::database_in(path);
        match database.try_exists() {
            Ok(true) => Ok(database),
            Ok(false) => Err(DataDirectoryError::NoDatabase(path.to_owned())),
            Err(source) => Err(DataDirectoryError::Unusable { path: database, source }),
        }
    }

    /// The code key, in hexadecimal; its file is made (mode 0600) at the first start.
    pub(crate) fn code_key(&self) -> Result<String, DataDirectoryError> {
        self.secret(CODE_KEY)
    }

    /// The product's token; its file is made (mode 0600) when it is first needed.
    pub(crate) fn product_token(&self) -> Result<String, DataDirectoryError> {
        self.secret(PRODUCT_TOKEN)
    }

    /// The code key of a directory that is only looked at, if it has one.
    pub(crate) fn existing_code_key(path: &Path) -> Result<Option<String>, DataDirectoryError> {
        Self::existing_secret(path, CODE_KEY)
    }

    fn secret(&self, name: &str) -> Result<String, DataDirectoryError> {
        match Self::existing_secret(&self.path, name)? {
            Some(secret) => Ok(secret),
            None => self.make_secret(name),
        }
    }

    fn existing_secret(path: &Path, name: &str) -> Result<Option<String>, DataDirectoryError> {
        let path = path.join(name);
        match std::fs::read_to_string(&path) {
            Ok(key) => Ok(Some(key.trim().to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(DataDirectoryError::Unusable { path, source }),
        }
    }

    fn make_secret(&self, name: &str) -> Result<String, DataDirectoryError> {
        let path = self.path.join(name);
        let unusable = |source| DataDirectoryError::Unusable { path: path.clone(), source };
        let mut key = [0_u8; 32];
        getrandom::fill(&mut key)
            .map_err(|error| DataDirectoryError::NoRandomness(error.to_string()))?;
        let hexadecimal = base16ct::lower::encode_string(&key);
        // Written aside and renamed: a crash in between leaves no half a secret behind.
        let unfinished = self.path.join(format!("{name}.new"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)
            .map_err(unusable)?;
        writeln!(file, "{hexadecimal}").and_then(|()| file.sync_all()).map_err(unusable)?;
        std::fs::rename(&unfinished, &path).map_err(unusable)?;
        Ok(hexadecimal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn asvs_13_3_1_the_first_start_makes_directory_and_key_and_the_next_keeps_them() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/data");
        let directory = DataDirectory::open(&path).unwrap();
        let first = directory.code_key().unwrap();
        let token = directory.product_token().unwrap();
        assert_eq!((mode(&path), mode(&path.join("code.key"))), (0o700, 0o600));
        assert_eq!(mode(&path.join("product.token")), 0o600);
        domain::CodeKey::from_hex(&first).unwrap();
        assert!(token.len() >= 32 && token != first);
        drop(directory);
        let again = DataDirectory::open(&path).unwrap();
        assert_eq!(again.code_key().unwrap(), first);
        assert_eq!(again.product_token().unwrap(), token);
    }

    #[test]
    fn a_second_process_is_told_so() {
        let path = tempfile::tempdir().unwrap();
        let _first = DataDirectory::open(path.path()).unwrap();
        let message = DataDirectory::open(path.path()).unwrap_err().to_string();
        assert!(message.contains("in use by another process"), "{message}");
    }

    #[test]
    fn what_cannot_be_a_directory_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let message = DataDirectory::open(&file.path().join("data")).unwrap_err().to_string();
        assert!(
            message.contains("--data-dir") && message.contains(file.path().to_str().unwrap()),
            "{message}"
        );
    }
}
