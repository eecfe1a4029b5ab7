//! The identifier of a registration.

use std::fmt;

use uuid::Uuid;

/// Identifies one registration (UUIDv7, RFC 9562). A later claim of the same address has a
/// different one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(Uuid);

impl UserId {
    /// Wraps an identifier made by [`crate::ports::IdSource`] or read from a store.
    pub fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }

    /// The identifier itself.
    pub fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
