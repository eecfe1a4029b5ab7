//! Who signs up: an address and a password that occur nowhere else.

use std::hash::{BuildHasher, RandomState};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A text that no other call and no other run returns.
pub(crate) fn unique() -> String {
    let state = RandomState::new();
    format!("{:016x}", state.hash_one("unique"))
}

/// An address and its password.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) email: String,
    pub(crate) password: String,
}

impl Account {
    /// An account that nobody has registered.
    pub(crate) fn new() -> Self {
        Self {
            email: format!("ada.{}@example.com", unique()),
            password: format!("Correct horse {}", unique()),
        }
    }

    /// The same address with another password.
    pub(crate) fn with_password(&self, password: impl Into<String>) -> Self {
        Self { email: self.email.clone(), password: password.into() }
    }

    /// The same address with a password that is not the right one.
    pub(crate) fn with_wrong_password(&self) -> Self {
        self.with_password(format!("Wrong horse {}", unique()))
    }

    /// The value of its Authorization header (RFC 7617).
    pub(crate) fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.email, self.password)))
    }
}
