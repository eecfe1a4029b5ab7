//! What a check of the settings, or of something that the service depends on, has found: in words
//! for the operator who asked.

/// How much a finding matters. Ordered: the worst of several is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// All is well.
    Ok,
    /// The service works, but worse, less safely or not for long.
    Warning,
    /// The service, or a part of it, does not work.
    Error,
}

/// One line of a diagnosis. Must never hold a password, a key or a URL with credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable name for programs, `part.aspect`.
    pub check: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is so.
    pub message: String,
    /// What to do about it; nothing if all is well.
    pub advice: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, severity: Severity::Ok, message: message.into(), advice: None }
    }

    /// The service works, but not as it should.
    pub fn warning(
        check: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(check, Severity::Warning, message, advice)
    }

    /// The service, or a part of it, does not work.
    pub fn error(
        check: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(check, Severity::Error, message, advice)
    }

    fn new(
        check: &'static str,
        severity: Severity,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { check, severity, message: message.into(), advice: Some(advice.into()) }
    }
}
