//! One line of the table.

/// What a rule asks for, what was found, and where they differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The rule in words.
    pub rule: &'static str,
    /// What it asks for.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Where it does not hold.
    pub violations: Vec<Violation>,
}

/// One case in which a rule does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What happened.
    pub what: String,
    /// The account concerned.
    pub email: Option<String>,
}

impl Row {
    /// A row that says how many there are of something, all of which must be right.
    pub(super) fn new(
        rule: &'static str,
        expected: impl Into<String>,
        found: impl Into<String>,
        violations: Vec<Violation>,
    ) -> Self {
        Self { rule, expected: expected.into(), found: found.into(), violations }
    }

    /// Whether it does.
    pub fn holds(&self) -> bool {
        self.violations.is_empty()
    }
}

impl Violation {
    /// Something that concerns no single account.
    pub(super) fn general(what: impl Into<String>) -> Self {
        Self { what: what.into(), email: None }
    }

    /// Something that happened to an account.
    pub(super) fn of(email: &str, what: impl Into<String>) -> Self {
        Self { what: format!("{email}: {}", what.into()), email: Some(email.to_owned()) }
    }
}
