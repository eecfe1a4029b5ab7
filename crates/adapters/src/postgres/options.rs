//! The settings of PostgreSQL, and which values are refused at the start.

use std::time::Duration;

use secrecy::SecretString;

/// Where the database is and how long to wait for it.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database`. With `?sslmode=require`, `verify-ca` or
    /// `verify-full` the connection is encrypted and the server's certificate verified, its name
    /// included; otherwise there is no TLS. Of several hosts, `host1:port1,host2:port2`, the first
    /// that takes writes is used.
    pub url: SecretString,
    /// The most connections that are open at once; at least 1.
    pub pool_size: usize,
    /// How long one attempt to connect may take, TLS and authentication included; at least 1 ms.
    /// Each of several hosts gets an equal share of it, unless the URL has its own
    /// `connect_timeout`.
    pub connect_timeout: Duration,
    /// How long an operation waits for a connection of the pool; at least 1 ms.
    pub wait_timeout: Duration,
    /// How long an operation may take once it has a connection; the server cancels the statement
    /// then, too. At least 1 ms.
    pub statement_timeout: Duration,
    /// Whether the URL leads to a pooler that gives each transaction another session, as
    /// `pgbouncer` does in transaction mode. Then nothing is kept in a session: every operation is
    /// one transaction that sets its own timeouts, and no statement keeps its name beyond it.
    pub transaction_pooling: bool,
}

/// Why the options cannot be used. The texts never contain the URL.
#[derive(Debug, thiserror::Error)]
pub enum PostgresOptionsError {
    /// The URL is not a PostgreSQL URL.
    #[error("the PostgreSQL URL is not valid: {0}")]
    Url(#[source] tokio_postgres::Error),
    /// The trusted authorities could not be read.
    #[error("the certificates trusted for PostgreSQL cannot be read: {0}")]
    Certificates(String),
    /// A pool without connections.
    #[error("the PostgreSQL pool needs at least 1 connection")]
    PoolSize,
    /// A timeout below a millisecond, which PostgreSQL would take for none.
    #[error("the PostgreSQL {0} must be at least 1 ms")]
    Timeout(&'static str),
}

impl PostgresOptions {
    /// Refuses what cannot work, apart from the URL.
    pub(super) fn check(&self) -> Result<(), PostgresOptionsError> {
        if self.pool_size == 0 {
            return Err(PostgresOptionsError::PoolSize);
        }
        for (name, timeout) in [
            ("connect timeout", self.connect_timeout),
            ("wait timeout", self.wait_timeout),
            ("statement timeout", self.statement_timeout),
        ] {
            if timeout < Duration::from_millis(1) {
                return Err(PostgresOptionsError::Timeout(name));
            }
        }
        Ok(())
    }
}
