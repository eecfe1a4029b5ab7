//! Names and identifiers that no other test uses, so that tests can share a server.

use std::hash::{BuildHasher, RandomState};

use uuid::Uuid;

/// A text of 16 hexadecimal digits that no other call and no other run returns.
pub fn unique_name() -> String {
    format!("{:016x}", RandomState::new().hash_one("unique"))
}

/// A new `UUIDv7`, greater than each one before it in this process.
#[expect(clippy::disallowed_methods, reason = "tests have no port to take identifiers from")]
pub fn unique_id() -> Uuid {
    Uuid::now_v7()
}
