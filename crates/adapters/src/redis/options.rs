//! Where Redis is and how long to wait for it.

use std::time::Duration;

use secrecy::SecretString;

/// Where Redis is and how long to wait for it.
#[derive(Clone)]
pub struct RedisOptions {
    /// `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS with the roots of
    /// the operating system.
    pub url: SecretString,
    /// How long one attempt to connect may take.
    pub connect_timeout: Duration,
    /// How long an operation may take.
    pub command_timeout: Duration,
}

/// The URL is not a Redis URL. The message never contains it, since it may hold a password.
#[derive(Debug, thiserror::Error)]
#[error(
    "the Redis URL is not of the form redis://host:port/database or rediss://host:port/database"
)]
#[derive(Clone)]
pub struct RedisOptionsError;
