//! An account: an address and a password that occur nowhere else.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use test_support::unique_name;

/// An address and its password.
#[derive(Debug, Clone)]
pub struct Account {
    /// The address as its owner types it.
    pub email: String,
    /// The password in plain text.
    pub password: String,
}

impl Account {
    /// An account that nobody has registered.
    #[expect(clippy::new_without_default, reason = "no two new accounts are equal")]
    pub fn new() -> Self {
        Self {
            email: format!("ada.{}@example.com", unique_name()),
            password: format!("Correct horse {}", unique_name()),
        }
    }

    /// The same address with another password.
    #[must_use]
    pub fn with_password(&self, password: impl Into<String>) -> Self {
        Self { email: self.email.clone(), password: password.into() }
    }

    /// The same address with a password that is not the right one.
    #[must_use]
    pub fn with_wrong_password(&self) -> Self {
        self.with_password(format!("Wrong horse {}", unique_name()))
    }

    /// The value of its Authorization header (RFC 7617).
    pub fn basic(&self) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", self.email, self.password)))
    }
}
