//! `[rabbitmq]`: how events reach the e-mail worker.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::num::NonZeroU16;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use crate::duration::DurationError;
use crate::error::required_url;
use crate::{CommaList, SettingsError, duration};

/// The longest that connecting may take.
#[cfg(feature = "rabbitmq")]
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The wait before the first attempt to reconnect; it doubles with each failure.
#[cfg(feature = "rabbitmq")]
const RECONNECT_MIN: Duration = Duration::from_millis(100);
/// The longest wait between two attempts to reconnect: mails wait no longer after an outage.
#[cfg(feature = "rabbitmq")]
const RECONNECT_MAX: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RabbitmqSettings {
    url: SecretString,
    #[serde(rename = "url_file")]
    _url_file: String,
    pub exchange: String,
    pub prefetch: NonZeroU16,
    #[serde(deserialize_with = "duration::deserialize")]
    pub confirm_timeout: Duration,
    retry_delays: CommaList<RetryDelay>,
}

#[derive(Debug, Clone, Copy)]
struct RetryDelay(Duration);

impl FromStr for RetryDelay {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        duration::parse(text).map(Self)
    }
}

impl RabbitmqSettings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if self.retry_delays.0.is_empty() {
            return Err(SettingsError::invalid(
                "rabbitmq.retry_delays",
                "needs durations, e.g. 1s,5s,30s",
            ));
        }
        Ok(())
    }

    /// The connection URL; it may contain a password.
    pub fn url(&self) -> Result<SecretString, SettingsError> {
        required_url("rabbitmq.url", &self.url, "amqp://user:password@host:5672/%2f")
    }

    /// How long an event waits after each failure in turn.
    pub fn retry_delays(&self) -> Vec<Duration> {
        self.retry_delays.0.iter().map(|delay| delay.0).collect()
    }

    /// How to reach RabbitMQ.
    #[cfg(feature = "rabbitmq")]
    pub fn options(&self) -> Result<adapters::rabbitmq::RabbitmqOptions, SettingsError> {
        Ok(adapters::rabbitmq::RabbitmqOptions {
            url: self.url()?,
            exchange: self.exchange.clone(),
            retry_delays: self.retry_delays(),
            prefetch: self.prefetch.get(),
            connect_timeout: CONNECT_TIMEOUT,
            confirm_timeout: self.confirm_timeout,
            reconnect_min: RECONNECT_MIN,
            reconnect_max: RECONNECT_MAX,
        })
    }
}

#[cfg(feature = "rabbitmq")]
impl From<adapters::rabbitmq::RabbitmqOptionsError> for SettingsError {
    fn from(error: adapters::rabbitmq::RabbitmqOptionsError) -> Self {
        use adapters::rabbitmq::RabbitmqOptionsError::{Exchange, Prefetch, RetryDelays, Url};
        let key = match error {
            Url(_) => "rabbitmq.url",
            Exchange => "rabbitmq.exchange",
            RetryDelays => "rabbitmq.retry_delays",
            Prefetch => "rabbitmq.prefetch",
        };
        Self::refused(key, &error)
    }
}
