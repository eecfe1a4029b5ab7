//! `[password]`: which passwords are accepted.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::time::Duration;

use domain::PasswordLength;
use serde::Deserialize;

use crate::{SettingsError, duration};

/// How long the range API is left alone after too many requests failed.
#[cfg(feature = "hibp")]
const BREACH_CHECK_PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordSettings {
    min_length: usize,
    max_length: usize,
    pub refuse_common: bool,
    pub breach_check: bool,
    pub breach_api_url: String,
    #[serde(deserialize_with = "duration::deserialize")]
    pub breach_timeout: Duration,
    pub breach_fail_open: bool,
}

impl PasswordSettings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if self.min_length == 0 || self.max_length < self.min_length {
            return Err(SettingsError::invalid(
                "password.min_length",
                "must be from 1 to password.max_length",
            ));
        }
        Ok(())
    }

    /// The permitted lengths of a new password.
    pub fn length(&self) -> PasswordLength {
        PasswordLength { min: self.min_length, max: self.max_length }
    }

    /// The collection of breached passwords to ask, if any.
    #[cfg(feature = "hibp")]
    pub fn breached_passwords(
        &self,
    ) -> Result<Option<adapters::hibp::PwnedPasswords>, SettingsError> {
        use adapters::hibp::{HibpOptions, PwnedPasswords};
        if !self.breach_check {
            return Ok(None);
        }
        let options = HibpOptions {
            base_url: self.breach_api_url.trim_end_matches('/').to_owned(),
            timeout: self.breach_timeout,
            pause: BREACH_CHECK_PAUSE,
        };
        let client = PwnedPasswords::new(options)
            .map_err(|error| SettingsError::refused("password.breach_check", &error))?;
        Ok(Some(client))
    }
}
