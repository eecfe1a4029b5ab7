//! `[registration]`: taken addresses, and registrations that nobody completes.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

use crate::{SettingsError, duration};

/// Purged any sooner, a registration could be gone before its mail has come through a slow mail
/// server.
const SHORTEST_KEEP: Duration = Duration::from_hours(1);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationSettings {
    pub existing_account: ExistingAccountSetting,
    #[serde(deserialize_with = "duration::deserialize")]
    pub purge_after: Duration,
    #[serde(deserialize_with = "duration::deserialize")]
    pub purge_unmailed_after: Duration,
    #[serde(deserialize_with = "duration::deserialize")]
    pub purge_interval: Duration,
    pub purge_batch: NonZeroU32,
}

impl RegistrationSettings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if self.purge_after < SHORTEST_KEEP {
            return Err(SettingsError::invalid("registration.purge_after", "must be at least 1h"));
        }
        if self.purge_unmailed_after < self.purge_after {
            let problem = "must be at least registration.purge_after";
            return Err(SettingsError::invalid("registration.purge_unmailed_after", problem));
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExistingAccountSetting {
    Reveal,
    Conceal,
}

#[cfg(test)]
mod tests {
    use crate::Sources;

    #[test]
    fn registrations_whose_mail_was_never_sent_are_kept_at_least_as_long_as_others() {
        let error = Sources::default()
            .with("registration.purge_after", &"31d")
            .load()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("registration.purge_unmailed_after")
                && error.contains("registration.purge_after")
        );
        Sources::default().with("registration.purge_after", &"30d").load().unwrap();
    }
}
