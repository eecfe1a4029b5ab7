//! What a test asks of the system it runs on.

/// The settings of a system and whether it may be shared.
#[derive(Debug, Clone)]
pub struct Setup {
    shared_as: Option<&'static str>,
    settings: Vec<(String, String)>,
    expects_errors: bool,
    has_default_limits: bool,
}

impl Setup {
    /// The system that tests share which need nothing special. Hashing is cheap in it, so that the suite's
    /// time goes where the tests look and requests meet where they race; a code outlasts every race.
    pub fn ordinary() -> Self {
        Self { shared_as: Some("ordinary"), ..Self::own() }
    }

    /// A shared system that hashes, and lets codes expire, as it is delivered.
    pub fn with_costly_hashes() -> Self {
        Self { shared_as: Some("costly hashes"), ..Self::delivered() }
    }

    /// A system of the test's own, to be broken and restarted at will. A code outlasts the test: those that
    /// wait for its end say when that is.
    pub fn own() -> Self {
        let cheap = Self::delivered().with("hashing.memory_kib", "256").with("hashing.iterations", "1");
        cheap.window_seconds(3600)
    }

    fn delivered() -> Self {
        Self { shared_as: None, settings: Vec::new(), expects_errors: false, has_default_limits: false }
    }

    /// Clients and addresses are limited as by default; all other systems know no limits.
    pub fn with_default_limits(self) -> Self {
        Self { has_default_limits: true, ..self }
    }

    /// What a killed process had in hand is soon taken up. A delivery that takes longer is made twice, so
    /// this is not for tests that count mails.
    pub fn short_lease(self) -> Self {
        self.with("outbox.lease_seconds", "4").with("rabbitmq.confirm_timeout_ms", "3000")
    }

    /// Lets all tests that name the same set-up share one system.
    pub fn shared_as(self, name: &'static str) -> Self {
        Self { shared_as: Some(name), ..self }
    }

    /// Changes a setting, `section.key`.
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The length of the minute.
    pub fn window_seconds(self, seconds: u64) -> Self {
        self.with("code.window_seconds", &seconds.to_string())
    }

    /// Errors in the log are what the test provokes.
    pub fn expecting_errors(self) -> Self {
        Self { expects_errors: true, ..self }
    }

    /// Under which name the system is shared.
    pub fn shared_name(&self) -> Option<&'static str> {
        self.shared_as
    }

    /// The changed settings.
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// Whether the limits are those of the defaults.
    pub fn has_default_limits(&self) -> bool {
        self.has_default_limits
    }

    /// Whether errors in the log are no surprise.
    pub fn expects_errors(&self) -> bool {
        self.expects_errors
    }
}
