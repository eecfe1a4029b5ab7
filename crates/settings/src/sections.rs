//! The sections of `defaults.toml`, which documents each value.
#![allow(missing_docs)] // Said once, in defaults.toml.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use domain::{CodeKey, CodeLength, PasswordLength};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{CommaList, QuotaSetting, SettingsError};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub http: HttpSettings,
    pub registration: RegistrationSettings,
    pub password: PasswordSettings,
    pub code: CodeSettings,
    pub hashing: HashingSettings,
    pub limits: LimitSettings,
    pub postgres: PostgresSettings,
    pub redis: RedisSettings,
    pub rabbitmq: RabbitmqSettings,
    pub smtp: SmtpSettings,
    pub mail: MailSettings,
    pub outbox: OutboxSettings,
    pub metrics: MetricsSettings,
    pub log: LogSettings,
    pub standalone: StandaloneSettings,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    pub listen: SocketAddr,
    pub trusted_proxies: CommaList<String>,
    pub cors_origins: CommaList<String>,
    pub max_connections: usize,
    pub header_timeout_ms: u64,
    pub body_timeout_ms: u64,
    pub keep_alive_seconds: u64,
    pub workers: usize,
    pub shutdown_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationSettings {
    pub existing_account: ExistingAccountSetting,
    pub purge_after_days: u64,
    pub purge_interval_seconds: u64,
    pub purge_batch: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExistingAccountSetting {
    Reveal,
    Conceal,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordSettings {
    pub min_length: usize,
    pub max_length: usize,
    pub refuse_common: bool,
    pub breach_check: bool,
    pub breach_api_url: String,
    pub breach_timeout_ms: u64,
    pub breach_fail_open: bool,
}

impl PasswordSettings {
    /// The permitted lengths of a new password.
    pub fn length(&self) -> Result<PasswordLength, SettingsError> {
        if self.min_length == 0 || self.max_length < self.min_length {
            return Err(SettingsError::invalid(
                "password.min_length",
                "must be from 1 to password.max_length",
            ));
        }
        Ok(PasswordLength { min: self.min_length, max: self.max_length })
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeSettings {
    key: SecretString,
    #[serde(rename = "key_file")]
    _key_file: String,
    pub digits: u8,
    pub window_seconds: u64,
    pub attempts: u32,
    pub guesses_per_day: u32,
}

impl Settings {
    /// The same settings with another code key, in hexadecimal: the one the standalone binary makes.
    #[must_use]
    pub fn with_code_key(mut self, key: &str) -> Self {
        self.code.key = SecretString::from(key);
        self
    }
}

impl CodeSettings {
    /// Whether a key is set at all.
    pub fn has_key(&self) -> bool {
        !self.key.expose_secret().is_empty()
    }

    /// The key that codes are derived with. Refuses a missing, short or example key.
    pub fn key(&self) -> Result<CodeKey, SettingsError> {
        let problem = |what: &str| {
            let advice = "make one with `openssl rand -hex 32`";
            SettingsError::invalid("code.key", format!("{what}: {advice}"))
        };
        match self.key.expose_secret() {
            "" => Err(problem("is missing")),
            key => CodeKey::from_hex(key).map_err(|error| problem(&format!("cannot be used, {error}"))),
        }
    }

    /// The number of digits.
    pub fn length(&self) -> Result<CodeLength, SettingsError> {
        CodeLength::new(self.digits)
            .map_err(|error| SettingsError::invalid("code.digits", format!("cannot be used: {error}")))
    }

    /// How long a code counts.
    pub fn window(&self) -> Result<Duration, SettingsError> {
        match self.window_seconds {
            0 => Err(SettingsError::invalid("code.window_seconds", "must be at least 1")),
            seconds => Ok(Duration::from_secs(seconds)),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashingSettings {
    pub memory_kib: u32,
    pub iterations: u32,
    pub threads: usize,
    pub queue: usize,
    pub deadline_ms: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    pub register_per_client: QuotaSetting,
    pub register_per_address: QuotaSetting,
    pub activate_per_client: QuotaSetting,
    pub activate_per_address: QuotaSetting,
    pub resend_per_client: QuotaSetting,
    pub resend_per_address: QuotaSetting,
    pub further_codes: QuotaSetting,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresSettings {
    url: SecretString,
    #[serde(rename = "url_file")]
    _url_file: String,
    pub pool_size: usize,
    pub connect_timeout_ms: u64,
    pub statement_timeout_ms: u64,
}

impl PostgresSettings {
    /// The connection URL; it may contain a password.
    pub fn url(&self) -> Result<SecretString, SettingsError> {
        required_url("postgres.url", &self.url, "postgres://user:password@host:5432/database")
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    url: SecretString,
    #[serde(rename = "url_file")]
    _url_file: String,
    pub key_prefix: String,
    pub timeout_ms: u64,
}

impl RedisSettings {
    /// The connection URL; it may contain a password.
    pub fn url(&self) -> Result<SecretString, SettingsError> {
        required_url("redis.url", &self.url, "redis://host:6379/")
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RabbitmqSettings {
    url: SecretString,
    #[serde(rename = "url_file")]
    _url_file: String,
    pub exchange: String,
    pub prefetch: u16,
    pub confirm_timeout_ms: u64,
    pub retry_delays_seconds: CommaList<u64>,
}

impl RabbitmqSettings {
    /// The connection URL; it may contain a password.
    pub fn url(&self) -> Result<SecretString, SettingsError> {
        required_url("rabbitmq.url", &self.url, "amqp://user:password@host:5672/%2f")
    }

    /// How long a publish may take.
    pub fn confirm_timeout(&self) -> Duration {
        Duration::from_millis(self.confirm_timeout_ms)
    }

    /// How long an event waits after each failure in turn.
    pub fn retry_delays(&self) -> Result<Vec<Duration>, SettingsError> {
        match &self.retry_delays_seconds.0 {
            delays if delays.is_empty() || delays.contains(&0) => Err(SettingsError::invalid(
                "rabbitmq.retry_delays_seconds",
                "needs numbers from 1, e.g. 1,5,30",
            )),
            delays => Ok(delays.iter().copied().map(Duration::from_secs).collect()),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    host: String,
    pub port: u16,
    pub tls: SmtpTls,
    pub username: String,
    pub password: SecretString,
    #[serde(rename = "password_file")]
    _password_file: String,
    pub timeout_ms: u64,
    pub acceptance_timeout_ms: u64,
    pub connections: usize,
    pub idle_seconds: u64,
}

impl SmtpSettings {
    /// The server's name or address.
    pub fn host(&self) -> Result<&str, SettingsError> {
        match self.host.as_str() {
            "" => {
                Err(SettingsError::invalid("smtp.host", "is missing: set it to the name of your mail server"))
            }
            host => Ok(host),
        }
    }

    /// Whether a server is set.
    pub fn is_set(&self) -> bool {
        !self.host.is_empty()
    }

    /// User name and password, where the server wants them.
    pub fn credentials(&self) -> Result<Option<(String, SecretString)>, SettingsError> {
        match (self.username.is_empty(), self.password.expose_secret().is_empty()) {
            (true, true) => Ok(None),
            (false, false) => Ok(Some((self.username.clone(), self.password.clone()))),
            (true, false) => Err(SettingsError::invalid("smtp.username", "is missing: smtp.password is set")),
            (false, true) => Err(SettingsError::invalid("smtp.password", "is missing: smtp.username is set")),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    None,
    StartTls,
    Implicit,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    pub from: String,
    pub product: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboxSettings {
    pub batch: u32,
    pub batches_in_flight: usize,
    pub poll_interval_ms: u64,
    pub lease_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsSettings {
    listen: String,
}

impl MetricsSettings {
    /// Where the operator's listener is, if anywhere.
    pub fn listen(&self) -> Result<Option<SocketAddr>, SettingsError> {
        match self.listen.as_str() {
            "" | "off" => Ok(None),
            address => address.parse().map(Some).map_err(|_| {
                SettingsError::invalid("metrics.listen", "is not an address like 127.0.0.1:9464")
            }),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandaloneSettings {
    pub data_dir: PathBuf,
    pub inbox: bool,
    pub inbox_listen: SocketAddr,
    pub inbox_smtp_listen: SocketAddr,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    pub format: LogFormat,
    pub filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

fn required_url(key: &'static str, url: &SecretString, example: &str) -> Result<SecretString, SettingsError> {
    if url.expose_secret().is_empty() {
        return Err(SettingsError::invalid(key, format!("is missing: set it to something like {example}")));
    }
    Ok(url.clone())
}

#[cfg(test)]
mod tests {
    use crate::Sources;

    fn key_refusal(key: &str) -> String {
        let settings = Sources::default().with("code.key", &key).load().unwrap();
        settings.code.key().unwrap_err().to_string()
    }

    #[test]
    fn asvs_13_2_3_a_missing_short_or_example_key_is_refused_by_name_and_not_shown() {
        for key in ["", "c0ffee", &"0123456789abcdef".repeat(4), "change-me-please"] {
            let message = key_refusal(key);
            assert!(message.contains("code.key (REGISTRATION__CODE__KEY)"), "{message}");
            assert!(message.contains("openssl rand -hex 32"), "{message}");
            assert!(key.is_empty() || !message.contains(key), "{message}");
        }
    }

    #[test]
    fn asvs_13_3_1_settings_do_not_show_their_secrets() {
        let settings = Sources::default()
            .with("code.key", &"hush-hush")
            .with("postgres.url", &"postgres://me:hush-hush@db/x")
            .with("smtp.password", &"hush-hush")
            .load()
            .unwrap();
        assert!(!format!("{settings:?}").contains("hush-hush"));
    }

    #[test]
    fn smtp_credentials_come_in_pairs() {
        let settings = Sources::default().with("smtp.username", &"me").load().unwrap();
        assert!(settings.smtp.credentials().unwrap_err().to_string().contains("smtp.password"));
    }
}
