//! What a test requires of the system it runs on.

use std::path::{Path, PathBuf};

use crate::process::Program;

/// The settings of a system and whether it may be shared.
#[derive(Debug, Clone)]
#[must_use]
pub struct Setup {
    shared_as: Option<&'static str>,
    settings: Vec<(String, String)>,
    expects_errors: bool,
    has_default_limits: bool,
    stdout: Option<PathBuf>,
    stderr: Option<PathBuf>,
}

impl Setup {
    /// The system shared by tests that need nothing special. Hashing is cheap, so that the tests
    /// spend their time on what they check and requests meet where they race; a code outlasts every
    /// race.
    pub fn ordinary() -> Self {
        Self { shared_as: Some("ordinary"), ..Self::own() }
    }

    /// A shared system with the default costs of hashes and the default window of codes.
    pub fn with_costly_hashes() -> Self {
        Self { shared_as: Some("costly hashes"), ..Self::with_defaults() }
    }

    /// A system for one test, to be broken and restarted at will. A code outlasts the test: tests
    /// that wait for its end set the window.
    pub fn own() -> Self {
        let cheap =
            Self::with_defaults().with("hashing.memory_kib", "256").with("hashing.iterations", "1");
        cheap.window_seconds(3600)
    }

    fn with_defaults() -> Self {
        Self {
            shared_as: None,
            settings: Vec::new(),
            expects_errors: false,
            has_default_limits: false,
            stdout: None,
            stderr: None,
        }
    }

    /// Leaves the limits of clients and addresses at their defaults; all other systems have none.
    pub fn with_default_limits(self) -> Self {
        Self { has_default_limits: true, ..self }
    }

    /// Lets the work of a killed process be taken over soon. A delivery that takes longer is made
    /// twice, so this is not for tests that count mails.
    pub fn short_lease(self) -> Self {
        self.with("outbox.lease", "7s")
            .with("rabbitmq.confirm_timeout", "3s")
            .with("postgres.statement_timeout", "3s")
    }

    /// Lets all tests that name the same setup share one system.
    pub fn shared_as(self, name: &'static str) -> Self {
        Self { shared_as: Some(name), ..self }
    }

    /// Changes a setting, `section.key`.
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Sends the standard output of the services elsewhere than to the tests.
    pub fn stdout_to(self, path: &Path) -> Self {
        Self { stdout: Some(path.to_owned()), ..self }
    }

    /// Sends the logs of the services elsewhere than to the tests.
    pub fn stderr_to(self, path: &Path) -> Self {
        Self { stderr: Some(path.to_owned()), ..self }
    }

    /// A program with its streams where this setup sends them.
    pub(super) fn redirect(&self, mut program: Program) -> Program {
        if let Some(path) = &self.stdout {
            program = program.stdout_to(path);
        }
        if let Some(path) = &self.stderr {
            program = program.stderr_to(path);
        }
        program
    }

    /// How long a code counts.
    pub fn window_seconds(self, seconds: u64) -> Self {
        self.with("code.window", &format!("{seconds}s"))
    }

    /// Allows errors in the log, because the test provokes them.
    pub fn expecting_errors(self) -> Self {
        Self { expects_errors: true, ..self }
    }

    /// The name under which the system is shared.
    pub fn shared_name(&self) -> Option<&'static str> {
        self.shared_as
    }

    /// The changed settings.
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// Whether the limits are the default ones.
    pub fn has_default_limits(&self) -> bool {
        self.has_default_limits
    }

    /// Whether errors in the log are allowed.
    pub fn expects_errors(&self) -> bool {
        self.expects_errors
    }
}
