//! `[smtp]`: the server that takes the mails.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::num::{NonZeroU16, NonZeroUsize};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{SettingsError, duration};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    host: String,
    pub port: NonZeroU16,
    pub tls: SmtpTlsSetting,
    username: String,
    password: SecretString,
    #[serde(rename = "password_file")]
    _password_file: String,
    #[serde(deserialize_with = "duration::deserialize")]
    pub timeout: Duration,
    #[serde(deserialize_with = "duration::deserialize")]
    pub acceptance_timeout: Duration,
    pub connections: NonZeroUsize,
    #[serde(deserialize_with = "duration::deserialize")]
    pub idle_timeout: Duration,
    #[serde(deserialize_with = "duration::deserialize")]
    pub give_up_after: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTlsSetting {
    None,
    StartTls,
    Implicit,
}

impl SmtpSettings {
    /// Whether a server is set.
    pub fn is_set(&self) -> bool {
        !self.host.is_empty()
    }

    /// User name and password, where the server wants them.
    pub fn credentials(&self) -> Result<Option<(String, SecretString)>, SettingsError> {
        match (self.username.is_empty(), self.password.expose_secret().is_empty()) {
            (true, true) => Ok(None),
            (false, false) => Ok(Some((self.username.clone(), self.password.clone()))),
            (true, false) => {
                Err(SettingsError::invalid("smtp.username", "is missing: smtp.password is set"))
            }
            (false, true) => {
                Err(SettingsError::invalid("smtp.password", "is missing: smtp.username is set"))
            }
        }
    }
}

#[cfg(feature = "smtp")]
pub use server::MailServer;

#[cfg(feature = "smtp")]
mod server {
    use adapters::smtp::{SmtpCredentials, SmtpMailer, SmtpOptions, SmtpTls};

    use super::{SmtpSettings, SmtpTlsSetting};
    use crate::{Settings, SettingsError};

    /// Which server takes the mails.
    #[derive(Debug, Clone)]
    pub struct MailServer {
        /// Its name or address.
        pub host: String,
        /// Its port.
        pub port: u16,
        /// When the conversation is encrypted.
        pub tls: SmtpTls,
    }

    impl SmtpSettings {
        /// The server that is set.
        pub fn server(&self) -> Result<MailServer, SettingsError> {
            if !self.is_set() {
                let problem = "is missing: set it to the name of your mail server";
                return Err(SettingsError::invalid("smtp.host", problem));
            }
            let tls = match self.tls {
                SmtpTlsSetting::None => SmtpTls::None,
                SmtpTlsSetting::StartTls => SmtpTls::StartTls,
                SmtpTlsSetting::Implicit => SmtpTls::Implicit,
            };
            Ok(MailServer { host: self.host.clone(), port: self.port.get(), tls })
        }
    }

    impl Settings {
        /// Hands mails from `mail.from` to `server`.
        pub fn mailer(&self, server: MailServer) -> Result<SmtpMailer, SettingsError> {
            SmtpMailer::new(&self.smtp_options(server)?)
                .map_err(|error| SettingsError::refused("mail.from", &error))
        }

        /// How to hand mails from `mail.from` to `server`.
        pub fn smtp_options(&self, server: MailServer) -> Result<SmtpOptions, SettingsError> {
            let (from_name, from_address) = self.mail.sender();
            let domain = from_address.rsplit_once('@').map_or("", |(_, domain)| domain).to_owned();
            let credentials = self.smtp.credentials()?;
            Ok(SmtpOptions {
                host: server.host,
                port: server.port,
                tls: server.tls,
                credentials: credentials
                    .map(|(username, password)| SmtpCredentials { username, password }),
                from_name,
                from_address,
                message_id_domain: domain,
                timeout: self.smtp.timeout,
                acceptance_timeout: self.smtp.acceptance_timeout,
                connections: self.smtp.connections.get(),
                idle_time: self.smtp.idle_timeout,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Sources;

    #[test]
    fn smtp_credentials_come_in_pairs() {
        let settings = Sources::default().with("smtp.username", &"me").load().unwrap();
        assert!(settings.smtp.credentials().unwrap_err().to_string().contains("smtp.password"));
    }
}
