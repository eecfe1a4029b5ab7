//! The settings of every binary: `defaults.toml`, then a file, then the environment.
//!
//! A wrong or missing setting is one sentence that names it. Secrets are wrapped, so that no log and
//! no error shows them.

#[cfg(feature = "adapters")]
pub mod connections;
mod sections;
mod sources;
mod values;

pub use sections::{
    CodeSettings, ExistingAccountSetting, HashingSettings, HttpSettings, LimitSettings, LogFormat,
    LogSettings, MailSettings, MetricsSettings, OutboxSettings, PasswordSettings, PostgresSettings,
    RabbitmqSettings, RedisSettings, RegistrationSettings, Settings, SmtpSettings, SmtpTls,
    StandaloneSettings,
};
pub use sources::{DEFAULTS, Sources};
pub use values::{CommaList, QuotaSetting};

/// Why the settings cannot be used: one sentence that names the setting and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A source cannot be read, or a setting has a wrong type or an unknown name.
    #[error("cannot read the settings: {0}")]
    Unreadable(#[source] config::ConfigError),
    /// A file cannot be understood. What stands in it is not repeated: it may be a secret.
    #[error("cannot read the settings: {file} is not TOML: {place}")]
    Malformed {
        /// Its path.
        file: String,
        /// Line and column.
        place: String,
    },
    /// A setting is missing or has a value that cannot be used.
    #[error("setting {key} ({}) {problem}", environment_name(key))]
    Invalid {
        /// The setting, as in `defaults.toml`: `section.key`.
        key: &'static str,
        /// What is wrong with it and what to do.
        problem: String,
    },
}

impl SettingsError {
    /// A setting that cannot be used. `problem` continues a sentence that begins with the setting's name.
    pub fn invalid(key: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { key, problem: problem.into() }
    }
}

/// The environment variable of a setting.
fn environment_name(key: &str) -> String {
    format!("REGISTRATION__{}", key.to_uppercase().replace('.', "__"))
}
