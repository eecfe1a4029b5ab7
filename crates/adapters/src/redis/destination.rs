//! Which server a connection leads to: a certain one, or whichever is the primary.

use std::fmt;
use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{ConnectionInfo, RedisError};

use super::open::open;
use super::options::RedisOptions;
use super::sentinel;
use super::url::Sentinels;

/// Which server a connection leads to.
#[derive(Clone)]
pub(super) enum Destination {
    Server(Arc<ConnectionInfo>),
    /// The primary that Sentinel names when a connection is made.
    Primary(Arc<Sentinels>),
}

impl Destination {
    pub(super) async fn open(
        &self,
        options: &RedisOptions,
    ) -> Result<MultiplexedConnection, RedisError> {
        match self {
            Self::Server(server) => open(server, options).await,
            Self::Primary(sentinels) => sentinel::open_primary(sentinels, options).await,
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(server) => write!(formatter, "{}", server.addr()),
            Self::Primary(sentinels) => write!(formatter, "the primary of {}", sentinels.service),
        }
    }
}
