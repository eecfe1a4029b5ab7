//! Who signs up: an address and a password that occur nowhere else.

use std::hash::{BuildHasher, RandomState};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A text that no other call and no other run returns.
pub fn unique() -> String {
    let state = RandomState::new();
    format!("{:016x}", state.hash_one("unique"))
}

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
    #[expect(clippy::new_without_default, reason = "no two new accounts are equal, as defaults would be")]
    pub fn new() -> Self {
        Self {
            email: format!("ada.{}@example.com", unique()),
            password: format!("Correct horse {}", unique()),
        }
    }

    /// The same address with another password.
    pub fn with_password(&self, password: impl Into<String>) -> Self {
        Self { email: self.email.clone(), password: password.into() }
    }

    /// The same address with a password that is not the right one.
    pub fn with_wrong_password(&self) -> Self {
        self.with_password(format!("Wrong horse {}", unique()))
    }

    /// The value of its Authorization header (RFC 7617).
    pub fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.email, self.password)))
    }
}
