//! How to reach the range API.

use std::time::Duration;

/// How to reach the API.
#[derive(Debug, Clone)]
pub struct HibpOptions {
    /// The address in front of `/range/`, e.g. `https://api.pwnedpasswords.com`.
    pub base_url: String,
    /// How long one request may take, from connecting to the last byte.
    pub timeout: Duration,
    /// How long no request is sent after too many have failed.
    pub pause: Duration,
}
