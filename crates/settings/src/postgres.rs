//! `[postgres]`: users and the outbox of the services.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::num::NonZeroUsize;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use crate::error::required_url;
use crate::{SettingsError, duration};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresSettings {
    url: SecretString,
    #[serde(rename = "url_file")]
    _url_file: String,
    pub pool_size: NonZeroUsize,
    #[serde(deserialize_with = "duration::deserialize")]
    pub connect_timeout: Duration,
    #[serde(deserialize_with = "duration::deserialize")]
    pub statement_timeout: Duration,
    pub transaction_pooling: bool,
}

impl PostgresSettings {
    /// The connection URL; it may contain a password.
    pub fn url(&self) -> Result<SecretString, SettingsError> {
        required_url("postgres.url", &self.url, "postgres://user:password@host:5432/database")
    }

    /// How to reach PostgreSQL.
    #[cfg(feature = "postgres")]
    pub fn options(&self) -> Result<adapters::postgres::PostgresOptions, SettingsError> {
        Ok(adapters::postgres::PostgresOptions {
            url: self.url()?,
            pool_size: self.pool_size.get(),
            connect_timeout: self.connect_timeout,
            wait_timeout: self.connect_timeout,
            statement_timeout: self.statement_timeout,
            transaction_pooling: self.transaction_pooling,
        })
    }
}

#[cfg(feature = "postgres")]
impl From<adapters::postgres::PostgresOptionsError> for SettingsError {
    fn from(error: adapters::postgres::PostgresOptionsError) -> Self {
        Self::refused("postgres.url", &error)
    }
}
