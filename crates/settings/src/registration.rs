//! `[registration]`: taken addresses, and registrations that nobody completes.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::num::NonZeroU32;
use std::time::Duration;

use domain::MailDomains;
use secrecy::SecretString;
use serde::Deserialize;

use crate::domain_lists::{parse_list, read_file};
use crate::{CommaList, SettingsError, duration};

/// Purged any sooner, a registration could be gone before its mail has come through a slow mail
/// server.
const SHORTEST_KEEP: Duration = Duration::from_hours(1);

/// How long the hook is left alone after too many requests failed.
#[cfg(feature = "http_hook")]
const HOOK_PAUSE: Duration = Duration::from_secs(30);

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
    allowed_domains: CommaList<String>,
    denied_domains: CommaList<String>,
    disposable_domains_file: String,
    #[cfg_attr(not(feature = "http_hook"), expect(dead_code, reason = "for the hook alone"))]
    hook_url: String,
    #[cfg_attr(not(feature = "http_hook"), expect(dead_code, reason = "for the hook alone"))]
    hook_token: SecretString,
    #[serde(rename = "hook_token_file")]
    _hook_token_file: String,
    #[serde(deserialize_with = "duration::deserialize")]
    pub hook_timeout: Duration,
    pub hook_fail_open: bool,
}

/// Which domains may sign up.
#[derive(Debug, Clone)]
pub struct DomainLists {
    pub allowed: MailDomains,
    pub denied: MailDomains,
    pub disposable: MailDomains,
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

    /// Which domains may sign up. Reads the file of disposable ones.
    pub fn domains(&self) -> Result<DomainLists, SettingsError> {
        let file = &self.disposable_domains_file;
        Ok(DomainLists {
            allowed: parse_list("registration.allowed_domains", &self.allowed_domains)?,
            denied: parse_list("registration.denied_domains", &self.denied_domains)?,
            disposable: read_file("registration.disposable_domains_file", file)?,
        })
    }

    /// The hook to ask before a registration, if there is one.
    #[cfg(feature = "http_hook")]
    pub fn hook(&self) -> Result<Option<adapters::http_hook::HttpHook>, SettingsError> {
        use adapters::http_hook::{HttpHook, HttpHookOptions};
        use secrecy::ExposeSecret;
        if self.hook_url.is_empty() {
            return Ok(None);
        }
        let has_token = !self.hook_token.expose_secret().is_empty();
        let options = HttpHookOptions {
            url: self.hook_url.clone(),
            token: has_token.then(|| self.hook_token.clone()),
            timeout: self.hook_timeout,
            pause: HOOK_PAUSE,
        };
        let hook = HttpHook::new(&options)
            .map_err(|error| SettingsError::refused("registration.hook_url", &error))?;
        Ok(Some(hook))
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
