//! The wall clock of one process, which libfaketime sets.

use std::path::{Path, PathBuf};

use acceptance::Program;
use tempfile::NamedTempFile;

/// Where Debian and Ubuntu have the library, by architecture.
const LIBRARIES: &str = "/usr/lib";

/// A wall clock. Monotonic time is what it always is, and so are all timeouts.
pub struct WallClock {
    /// The difference to the real time: `+3600`, in seconds.
    difference: NamedTempFile,
    library: PathBuf,
}

impl WallClock {
    /// One that shows the real time.
    pub(super) fn new() -> Self {
        let difference = NamedTempFile::new().expect("a file for the time");
        let clock = Self { difference, library: library() };
        clock.set(0);
        clock
    }

    /// Makes a program use this clock.
    pub(super) fn given_to(&self, program: Program) -> Program {
        let file = self.difference.path().display().to_string();
        let variables = [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", file),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        program.variables(variables.map(|(name, value)| (name.to_owned(), value)))
    }

    /// Makes it wrong by so many seconds.
    pub fn set(&self, seconds: i64) {
        std::fs::write(self.difference.path(), format!("{seconds:+}\n")).expect("a file to write");
    }

    /// The seconds since 1970 that it shows to a program.
    pub async fn read(&self) -> Result<i64, String> {
        let date = self.given_to(Program::new("/bin/date")).arguments(["+%s"]);
        let shown = date.run_to_end().await.output();
        shown.parse().map_err(|_| format!("`date` wrote {shown}"))
    }
}

fn library() -> PathBuf {
    let folders = std::fs::read_dir(LIBRARIES).into_iter().flatten().flatten();
    let candidates = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    candidates
        .chain([Path::new(LIBRARIES).join("faketime/libfaketimeMT.so.1")])
        .find(|library| library.exists())
        .unwrap_or_else(|| panic!("libfaketime is not installed: run `apt-get install faketime`"))
}
