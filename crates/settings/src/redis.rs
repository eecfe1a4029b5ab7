//! `[redis]`: the windows, guesses and limits that the services share.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use crate::error::required_url;
use crate::{SettingsError, duration};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    url: SecretString,
    #[serde(rename = "url_file")]
    _url_file: String,
    pub key_prefix: String,
    #[serde(deserialize_with = "duration::deserialize")]
    pub timeout: Duration,
}

impl RedisSettings {
    /// The connection URL; it may contain a password.
    pub fn url(&self) -> Result<SecretString, SettingsError> {
        required_url("redis.url", &self.url, "redis://host:6379/")
    }

    /// How to reach Redis.
    #[cfg(feature = "redis")]
    pub fn options(&self) -> Result<adapters::redis::RedisOptions, SettingsError> {
        Ok(adapters::redis::RedisOptions {
            url: self.url()?,
            connect_timeout: self.timeout,
            command_timeout: self.timeout,
        })
    }

    /// A connection, made in the background.
    #[cfg(feature = "redis")]
    pub fn connect(&self) -> Result<adapters::redis::Connection, SettingsError> {
        adapters::redis::connect(self.options()?)
            .map_err(|error| SettingsError::refused("redis.url", &error))
    }
}
