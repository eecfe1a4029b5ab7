//! How to reach the hook.

use std::time::Duration;

use secrecy::SecretString;

/// How to reach the hook.
#[derive(Debug, Clone)]
pub struct HttpHookOptions {
    /// Where to send each registration.
    pub url: String,
    /// Sent as a bearer token (RFC 6750), so that the hook knows who asks.
    pub token: Option<SecretString>,
    /// How long one request may take, from connecting to the last byte.
    pub timeout: Duration,
    /// How long no request is sent after too many have failed.
    pub pause: Duration,
}
