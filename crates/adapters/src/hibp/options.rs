//! How to reach the range API.

use std::time::Duration;

/// How to reach the API.
#[derive(Debug, Clone)]
pub struct HibpOptions {
    /// The address in front of `/range/`, e.g. `https://api.pwnedpasswords.com`.
    pub base_url: String,
    /// How long one question may take from connecting to the last byte.
    pub timeout: Duration,
    /// How long nothing is asked after too many questions failed.
    pub pause: Duration,
}
