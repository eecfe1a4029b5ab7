//! `[code]`: the verification codes.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::num::NonZeroU32;
use std::time::Duration;

use domain::{CodeKey, CodeLength};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::{SettingsError, duration};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeSettings {
    key: SecretString,
    #[serde(rename = "key_file")]
    _key_file: String,
    #[serde(rename = "digits", deserialize_with = "code_length")]
    pub length: CodeLength,
    #[serde(deserialize_with = "duration::deserialize")]
    pub window: Duration,
    pub attempts: NonZeroU32,
    pub guesses_per_day: NonZeroU32,
}

impl CodeSettings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if self.window < Duration::from_secs(1) {
            return Err(SettingsError::invalid("code.window", "must be at least 1s"));
        }
        Ok(())
    }

    /// Whether a key is set at all.
    pub fn has_key(&self) -> bool {
        !self.key.expose_secret().is_empty()
    }

    /// Takes another key, in hexadecimal: the one that the standalone binary makes.
    pub fn set_key(&mut self, key: &str) {
        self.key = SecretString::from(key);
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
}

fn code_length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CodeLength, D::Error> {
    CodeLength::new(u8::deserialize(deserializer)?).map_err(D::Error::custom)
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
}
