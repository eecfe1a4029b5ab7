//! What an operator sets about PostgreSQL, and what of it is refused at the start.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// Where the database is and how long it is waited for.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database`. With `?sslmode=require`, `verify-ca` or
    /// `verify-full` the connection is encrypted and the server's certificate verified, its name
    /// included; otherwise there is no TLS. Of several hosts, `host1:port1,host2:port2`, the first that
    /// can be connected to is used.
    pub url: SecretString,
    /// A PEM file with the authorities that are trusted; by default those of the operating system.
    pub root_certificates: Option<PathBuf>,
    /// The most connections that are open at once; at least 1.
    pub pool_size: usize,
    /// How long one attempt to connect may take, TLS and authentication included; at least 1 ms. Each of
    /// several hosts has its share of it to answer, or what `connect_timeout` in the URL says.
    pub connect_timeout: Duration,
    /// How long an operation waits for a connection of the pool; at least 1 ms.
    pub wait_timeout: Duration,
    /// How long an operation may take once it has a connection; the server ends a statement then too. At
    /// least 1 ms.
    pub statement_timeout: Duration,
}

/// Why the options cannot be used. The texts never contain the URL.
#[derive(Debug, thiserror::Error)]
pub enum PostgresOptionsError {
    /// The URL is not one of PostgreSQL's.
    #[error("the PostgreSQL URL is not valid: {0}")]
    Url(#[source] tokio_postgres::Error),
    /// The trusted authorities could not be read.
    #[error("the certificates trusted for PostgreSQL cannot be read: {0}")]
    Certificates(String),
    /// A pool without connections.
    #[error("the PostgreSQL pool needs at least 1 connection")]
    PoolSize,
    /// A limit in which nothing can be done. Less than a millisecond PostgreSQL would take for no limit.
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
