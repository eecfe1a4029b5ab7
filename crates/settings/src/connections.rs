//! From settings to the adapters' options: the translation that several binaries share.
//!
//! Behind features, so that a library that uses this crate cannot reach an adapter.

#[cfg(feature = "hibp")]
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "hibp")]
use adapters::hibp::{HibpOptions, PwnedPasswords};
#[cfg(feature = "hibp")]
use domain::ports::BreachedPasswords;

use crate::{HashingSettings, PasswordSettings, SettingsError};

#[cfg(feature = "distributed")]
pub use distributed::{postgres, rabbitmq, redis};
#[cfg(feature = "smtp")]
pub use smtp::{MailServer, mailer};

/// How long the range API is left alone after too many questions failed.
#[cfg(feature = "hibp")]
const BREACH_CHECK_PAUSE: Duration = Duration::from_secs(30);

/// The pool that hashes passwords.
#[cfg(feature = "argon2id")]
pub fn hash_pool(settings: &HashingSettings) -> Result<adapters::argon2id::HashPool, SettingsError> {
    adapters::argon2id::HashPool::start(&adapters::argon2id::Argon2idOptions {
        memory_kib: settings.memory_kib,
        iterations: settings.iterations,
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
    let client = PwnedPasswords::new(HibpOptions {
        base_url: settings.breach_api_url.trim_end_matches('/').to_owned(),
        timeout: Duration::from_millis(settings.breach_timeout_ms),
        pause: BREACH_CHECK_PAUSE,
    })
    .map_err(|error| SettingsError::invalid("password.breach_check", format!("cannot be used: {error}")))?;
    Ok(Some(Arc::new(client)))
}

#[cfg(feature = "distributed")]
mod distributed {
    use std::time::Duration;

    use adapters::rabbitmq::RabbitmqOptions;
    use adapters::redis::RedisOptions;

    use crate::{PostgresSettings, RabbitmqSettings, RedisSettings, SettingsError};

    /// The longest that connecting to RabbitMQ may take.
    const RABBITMQ_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// The wait before the first attempt to reconnect to RabbitMQ; it doubles with each failure.
    const RABBITMQ_RECONNECT_MIN: Duration = Duration::from_millis(100);
    /// The longest wait between two attempts to reconnect to RabbitMQ.
    const RABBITMQ_RECONNECT_MAX: Duration = Duration::from_secs(30);

    /// How to reach PostgreSQL.
    pub fn postgres(
        settings: &PostgresSettings,
    ) -> Result<adapters::postgres::PostgresOptions, SettingsError> {
        let connect_timeout = Duration::from_millis(settings.connect_timeout_ms);
        Ok(adapters::postgres::PostgresOptions {
            url: settings.url()?,
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
            RedisOptions { url: settings.url()?, connect_timeout: timeout, command_timeout: timeout };
        adapters::redis::connect(options)
            .map_err(|error| SettingsError::invalid("redis.url", format!("cannot be used: {error}")))
    }

    /// How to reach RabbitMQ.
    pub fn rabbitmq(settings: &RabbitmqSettings) -> Result<RabbitmqOptions, SettingsError> {
        Ok(RabbitmqOptions {
            url: settings.url()?,
            exchange: settings.exchange.clone(),
            retry_delays: settings.retry_delays()?,
            prefetch: settings.prefetch,
            connect_timeout: RABBITMQ_CONNECT_TIMEOUT,
            confirm_timeout: settings.confirm_timeout(),
            reconnect_min: RABBITMQ_RECONNECT_MIN,
            reconnect_max: RABBITMQ_RECONNECT_MAX,
        })
    }
}

#[cfg(feature = "smtp")]
mod smtp {
    use std::time::Duration;

    use adapters::smtp::{SmtpCredentials, SmtpMailer, SmtpOptions, SmtpTls};

    use crate::{MailSettings, Settings, SettingsError, SmtpSettings};

    /// Which server takes the mails.
    #[derive(Debug, Clone)]
    pub struct MailServer {
        /// Its name or address.
        pub host: String,
        /// Its port.
        pub port: u16,
        /// When the conversation is encrypted.
        pub tls: crate::SmtpTls,
    }

    impl MailServer {
        /// The one that is set.
        pub fn of(settings: &SmtpSettings) -> Result<Self, SettingsError> {
            Ok(Self { host: settings.host()?.to_owned(), port: settings.port, tls: settings.tls })
        }
    }

    /// What hands mails to `server`.
    pub fn mailer(settings: &Settings, server: MailServer) -> Result<SmtpMailer, SettingsError> {
        let (from_name, from_address) = sender(&settings.mail);
        let domain = from_address.rsplit_once('@').map_or("", |(_, domain)| domain).to_owned();
        let credentials = settings.smtp.credentials()?;
        SmtpMailer::new(&SmtpOptions {
            host: server.host,
            port: server.port,
            tls: match server.tls {
                crate::SmtpTls::None => SmtpTls::None,
                crate::SmtpTls::StartTls => SmtpTls::StartTls,
                crate::SmtpTls::Implicit => SmtpTls::Implicit,
            },
            credentials: credentials.map(|(username, password)| SmtpCredentials { username, password }),
            from_name,
            from_address,
            message_id_domain: domain,
            timeout: Duration::from_millis(settings.smtp.timeout_ms),
            acceptance_timeout: Duration::from_millis(settings.smtp.acceptance_timeout_ms),
            connections: settings.smtp.connections,
            idle_time: Duration::from_secs(settings.smtp.idle_seconds),
        })
        .map_err(|error| SettingsError::invalid("mail.from", format!("cannot be used: {error}")))
    }

    /// `Name <address>`, or an address alone.
    fn sender(settings: &MailSettings) -> (String, String) {
        match settings.from.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((name, address)) => (name.trim().to_owned(), address.trim().to_owned()),
            None => (String::new(), settings.from.trim().to_owned()),
        }
    }
}
