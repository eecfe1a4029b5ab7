//! Where Redis is and how long to wait for it.

use std::time::Duration;

use secrecy::SecretString;

/// Where Redis is and how long to wait for it.
#[derive(Clone)]
pub struct RedisOptions {
    /// One server: `redis://[user:password@]host[:port][/database]`. A cluster, found by some of
    /// its nodes: `redis+cluster://[user:password@]host[:port],…`. The primary that Sentinel names:
    /// `redis+sentinel://[user:password@]host[:port],…/service[/database]` with the addresses of
    /// the Sentinels, whose own user and password are `?sentinel_username=…&sentinel_password=…`.
    /// `rediss` instead of `redis` is for TLS with the roots of the operating system.
    pub url: SecretString,
    /// How long one attempt to connect may take.
    pub connect_timeout: Duration,
    /// How long an operation may take.
    pub command_timeout: Duration,
}

/// Why a URL cannot be used. The message never contains any of it, since it may hold a password.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RedisOptionsError {
    /// It is no URL of Redis.
    #[error(
        "the Redis URL is not of the form redis://host:port/database, \
         redis+cluster://host:port,host:port or redis+sentinel://host:port,host:port/service, \
         with rediss in place of redis for TLS"
    )]
    Form,
    /// Sentinel is asked for a primary by the name of its service.
    #[error("the Redis URL names no service: redis+sentinel://host:port,host:port/service")]
    NoService,
    /// A cluster has one database.
    #[error("the Redis URL names a database, and a cluster has none but 0: leave it out")]
    ClusterDatabase,
    /// A parameter that nothing would use.
    #[error(
        "the Redis URL has a parameter after ? that is not known: a redis+sentinel URL may have \
         sentinel_username and sentinel_password, a redis+cluster URL none"
    )]
    UnknownParameter,
}
