//! Why settings are refused.

use secrecy::{ExposeSecret, SecretString};

/// Why the settings cannot be used: one sentence that names the setting and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A source cannot be read, or a setting has a wrong type or an unknown name.
    #[error("cannot read the settings: {0}")]
    Unreadable(#[from] config::ConfigError),
    /// A file cannot be understood. Its text is not repeated: it may be a secret.
    #[error("cannot read the settings: {file} is not TOML: {place}")]
    Malformed {
        /// Its path.
        file: String,
        /// Line and column.
        place: String,
    },
    /// A setting was given under its old and its new name.
    #[error("setting {old} is the old name of {new}, and both are set: remove {old}")]
    BothNames {
        /// The old name.
        old: &'static str,
        /// The new name.
        new: &'static str,
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
    /// A setting that cannot be used. `problem` continues a sentence that begins with the setting's
    /// name.
    pub fn invalid(key: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { key, problem: problem.into() }
    }

    /// A setting that an adapter refuses.
    #[cfg(feature = "adapters")]
    pub(crate) fn refused(key: &'static str, error: &dyn std::error::Error) -> Self {
        Self::invalid(key, format!("cannot be used: {error}"))
    }
}

/// The URL of a server that has to be named.
pub(crate) fn required_url(
    key: &'static str,
    url: &SecretString,
    example: &str,
) -> Result<SecretString, SettingsError> {
    if url.expose_secret().is_empty() {
        return Err(SettingsError::invalid(
            key,
            format!("is missing: set it to something like {example}"),
        ));
    }
    Ok(url.clone())
}

/// The environment variable of a setting.
fn environment_name(key: &str) -> String {
    format!("REGISTRATION__{}", key.to_uppercase().replace('.', "__"))
}
