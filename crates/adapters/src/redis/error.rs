//! Why an operation on Redis failed.

use std::time::Duration;

use redis::RedisError;

/// Why an operation got no answer. It may or may not have been carried out.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The last attempt to connect failed; the next one is under way.
    #[error("there is no connection to Redis")]
    NotConnected(#[source] RedisError),
    /// The answer did not come in time.
    #[error("Redis did not answer within {0:?}")]
    TimedOut(Duration),
    /// The connection broke, or Redis refused the command.
    #[error("Redis did not carry out the command")]
    Failed(#[source] RedisError),
    /// The program is shutting down.
    #[error("the connection to Redis is closed")]
    Closed,
}
