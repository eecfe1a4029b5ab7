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
    use adapters::smtp::{
        DkimOptions, SmtpCredentials, SmtpMailer, SmtpOptions, SmtpOptionsError, SmtpTls,
    };

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

    /// Says which setting has to be changed.
    fn refuse(error: &SmtpOptionsError) -> SettingsError {
        let key = match error {
            SmtpOptionsError::FromAddress
            | SmtpOptionsError::FromName
            | SmtpOptionsError::MessageIdDomain => "mail.from",
            SmtpOptionsError::ReplyTo => "mail.reply_to",
            SmtpOptionsError::DkimSelector => "mail.dkim_selector",
            SmtpOptionsError::DkimDomain => "mail.dkim_domain",
            SmtpOptionsError::DkimKey(_) => "mail.dkim_key_file",
            SmtpOptionsError::Tls(_) => "smtp.host",
        };
        SettingsError::refused(key, error)
    }

    impl Settings {
        /// Hands mails from `mail.from` to `server`.
        pub fn mailer(&self, server: MailServer) -> Result<SmtpMailer, SettingsError> {
            SmtpMailer::new(&self.smtp_options(server)?).map_err(|error| refuse(&error))
        }

        /// The keys that mails are signed with.
        fn dkim_options(&self) -> Result<Vec<DkimOptions>, SettingsError> {
            let mail = &self.mail;
            let keys = mail.dkim_selector.0.iter().zip(&mail.dkim_key_file.0);
            let options = keys.map(|(selector, file)| {
                let pem = std::fs::read_to_string(file).map_err(|error| {
                    let problem =
                        format!("names {}, which cannot be read: {error}", file.display());
                    SettingsError::invalid("mail.dkim_key_file", problem)
                })?;
                Ok(DkimOptions {
                    selector: selector.clone(),
                    domain: mail.dkim_domain(),
                    private_key: pem.into(),
                })
            });
            options.collect()
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
                reply_to: self.mail.reply_to(),
                message_id_domain: domain,
                dkim: self.dkim_options()?,
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
