//! What a test asks of the system it runs on.

/// The settings of a system and whether it may be shared.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    shared_as: Option<&'static str>,
    settings: Vec<(String, String)>,
    expects_errors: bool,
}

impl Setup {
    /// The system as it is deployed, only without limits for clients, shared by the tests that need
    /// nothing else. Patient with PostgreSQL: hundreds of requests at once share the machine with it.
    pub(crate) fn ordinary() -> Self {
        let ordinary = Self { shared_as: Some("ordinary"), settings: Vec::new(), expects_errors: false };
        ordinary.with("postgres.connect_timeout_ms", "30000")
    }

    /// A system of the test's own, to be broken and restarted at will. Hashing is cheap in it, so that
    /// the suite's time goes where the test looks.
    pub(crate) fn own() -> Self {
        let cheap = Self { shared_as: None, settings: Vec::new(), expects_errors: false };
        cheap.with("hashing.memory_kib", "256").with("hashing.iterations", "1")
    }

    /// Lets all tests that name the same set-up share one system.
    pub(crate) fn shared_as(self, name: &'static str) -> Self {
        Self { shared_as: Some(name), ..self }
    }

    /// Changes a setting, `section.key`.
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The length of the minute.
    pub(crate) fn window_seconds(self, seconds: u64) -> Self {
        self.with("code.window_seconds", &seconds.to_string())
    }

    /// Errors in the log are what the test provokes.
    pub(crate) fn expecting_errors(self) -> Self {
        Self { expects_errors: true, ..self }
    }

    /// Under which name the system is shared.
    pub(crate) fn shared_name(&self) -> Option<&'static str> {
        self.shared_as
    }

    /// The changed settings.
    pub(crate) fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// Whether errors in the log are no surprise.
    pub(crate) fn expects_errors(&self) -> bool {
        self.expects_errors
    }
}
