//! From settings to the adapters' options: the translation that several binaries share.
//!
//! Behind features, so that a library that uses this crate cannot reach an adapter.

use std::sync::Arc;
use std::time::Duration;

use adapters::hibp::{PwnedPasswords, PwnedPasswordsOptions};
use domain::ports::BreachedPasswords;

use crate::settings::{HashingSettings, PasswordSettings, SettingsError};

#[cfg(feature = "distributed")]
pub use distributed::{postgres, rabbitmq, redis};
#[cfg(feature = "smtp")]
pub use smtp::mailer;

/// The pool that hashes passwords.
#[cfg(feature = "argon2id")]
pub fn hash_pool(settings: &HashingSettings) -> Result<adapters::argon2id::HashPool, SettingsError> {
    adapters::argon2id::HashPool::start(&adapters::argon2id::HashPoolOptions {
        memory_kib: settings.memory_kib,
        iterations: settings.iterations,
        lanes: 1,
        threads: settings.threads,
        queue: settings.queue,
        deadline: Duration::from_millis(settings.deadline_ms),
    })
    .map_err(|error| SettingsError::invalid("hashing", format!("cannot be used: {error}")))
}

/// Where breached passwords are asked for, if anywhere.
#[cfg(feature = "hibp")]
pub fn breached_passwords(
    settings: &PasswordSettings,
) -> Result<Option<Arc<dyn BreachedPasswords>>, SettingsError> {
    if !settings.breach_check {
        return Ok(None);
    }
    let client = PwnedPasswords::new(PwnedPasswordsOptions {
        base_url: settings.breach_api_url.trim_end_matches('/').to_owned(),
        timeout: Duration::from_millis(settings.breach_timeout_ms),
    })
    .map_err(|error| SettingsError::invalid("password.breach_check", format!("cannot be used: {error}")))?;
    Ok(Some(Arc::new(client)))
}

#[cfg(feature = "distributed")]
mod distributed {
    use std::time::Duration;

    use adapters::rabbitmq::RabbitmqOptions;
    use adapters::redis::ConnectOptions;

    use crate::settings::{PostgresSettings, RabbitmqSettings, RedisSettings, SettingsError};

    /// How to reach PostgreSQL.
    pub fn postgres(settings: &PostgresSettings) -> Result<adapters::postgres::Options, SettingsError> {
        let connect_timeout = Duration::from_millis(settings.connect_timeout_ms);
        Ok(adapters::postgres::Options {
            url: settings.url()?,
            root_certificates: None,
            pool_size: settings.pool_size,
            connect_timeout,
            wait_timeout: connect_timeout,
            statement_timeout: Duration::from_millis(settings.statement_timeout_ms),
        })
    }

    /// A connection to Redis, made in the background.
    pub fn redis(settings: &RedisSettings) -> Result<adapters::redis::Connection, SettingsError> {
        let timeout = Duration::from_millis(settings.timeout_ms);
        let options =
            ConnectOptions { url: settings.url()?, connect_timeout: timeout, command_timeout: timeout };
        adapters::redis::connect(options)
            .map_err(|error| SettingsError::invalid("redis.url", format!("cannot be used: {error}")))
    }

    /// How to reach RabbitMQ.
    pub fn rabbitmq(settings: &RabbitmqSettings) -> Result<RabbitmqOptions, SettingsError> {
        Ok(RabbitmqOptions {
            exchange: settings.exchange.clone(),
            retry_delays: settings.retry_delays()?,
            prefetch: settings.prefetch,
            confirm_timeout: Duration::from_millis(settings.confirm_timeout_ms),
            ..RabbitmqOptions::new(settings.url()?)
        })
    }
}
