//! The wall clock of one process.

use acceptance::Program;
use tempfile::TempDir;
use test_servers::ServerError;

/// A wall clock with a folder of its own.
pub struct WallClock {
    clock: test_servers::WallClock,
    _folder: TempDir,
}

impl WallClock {
    /// One that shows the real time.
    pub(super) fn new() -> Result<Self, ServerError> {
        let problem = |source| ServerError::Folder { path: std::env::temp_dir(), source };
        let folder = tempfile::tempdir().map_err(problem)?;
        Ok(Self { clock: test_servers::WallClock::new(folder.path())?, _folder: folder })
    }

    /// Makes a program use this clock.
    pub(super) fn given_to(&self, program: Program) -> Program {
        let variables = self
            .clock
            .environment()
            .map(|(name, value)| (name.to_owned(), value.into_string().expect("a path in UTF-8")));
        program.variables(variables)
    }

    /// Makes it wrong by so many seconds.
    pub fn set(&self, seconds: i64) {
        self.clock.set(seconds).unwrap_or_else(|error| panic!("{error}"));
    }

    /// The seconds since 1970 that it shows to a program.
    pub async fn read(&self) -> Result<i64, String> {
        let date = self.given_to(Program::new("/bin/date")).arguments(["+%s"]);
        let shown = date.run_to_end().await.output();
        shown.parse().map_err(|_| format!("`date` wrote {shown}"))
    }
}
