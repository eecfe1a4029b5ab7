//! A wall clock that is moved while programs look at it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::ServerError;

/// The wall clock of those processes that are started with its environment; libfaketime shows it to
/// them. Their monotonic clock goes on as ever, as it does when an administrator sets the time.
#[derive(Debug)]
pub struct WallClock {
    library: PathBuf,
    /// How far it is off, in seconds.
    offset: PathBuf,
}

impl WallClock {
    /// The package of Debian and Ubuntu that brings libfaketime.
    pub const PACKAGE: &str = "libfaketime";

    /// Where libfaketime is, if it is installed: in a folder for each architecture.
    pub fn library() -> Option<PathBuf> {
        let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        folders
            .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
            .find(|library| library.is_file())
    }

    /// One that is right, which keeps a file in `folder`.
    pub fn new(folder: &Path) -> Result<Self, ServerError> {
        let library = Self::library().ok_or(ServerError::NotInstalled {
            program: "libfaketimeMT.so.1",
            package: Self::PACKAGE,
        })?;
        let clock = Self { library, offset: folder.join("wall-clock") };
        clock.set(0)?;
        Ok(clock)
    }

    /// The environment variables for a process that is to look at it.
    pub fn environment(&self) -> [(&'static str, OsString); 4] {
        [
            ("LD_PRELOAD", self.library.clone().into()),
            ("FAKETIME_TIMESTAMP_FILE", self.offset.clone().into()),
            // Looks at the file each time, so that a change is seen at once.
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ]
    }

    /// Sets it so many seconds ahead of the real time, or behind it.
    pub fn set(&self, seconds: i64) -> Result<(), ServerError> {
        // Renamed into place, so that nobody reads an empty file.
        let new = self.offset.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n"))
            .and_then(|()| fs::rename(&new, &self.offset))
            .map_err(|source| ServerError::Folder { path: new, source })
    }
}
