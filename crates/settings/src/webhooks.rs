//! `[webhooks]`: how the product is told without a broker.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::time::Duration;

use domain::UserEvent;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{CommaList, SettingsError, duration};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    url: SecretString,
    #[serde(rename = "url_file")]
    _url_file: String,
    secret: SecretString,
    #[serde(rename = "secret_file")]
    _secret_file: String,
    events: CommaList<String>,
    pub include_email: bool,
    #[serde(deserialize_with = "duration::deserialize")]
    pub timeout: Duration,
    #[serde(deserialize_with = "duration::deserialize")]
    pub give_up_after: Duration,
    pub allow_private_addresses: bool,
}

impl WebhookSettings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if self.is_on() && self.secret.expose_secret().is_empty() {
            let problem = "is missing: make one with `echo \"whsec_$(openssl rand -base64 32)\"`, and \
                           give the receiver the same";
            return Err(SettingsError::invalid("webhooks.secret", problem));
        }
        self.events().map(drop)
    }

    /// Whether webhooks are sent.
    pub fn is_on(&self) -> bool {
        !self.url.expose_secret().is_empty()
    }

    /// The types of the events that are sent: none without a receiver.
    pub fn event_types(&self) -> Result<Vec<&'static str>, SettingsError> {
        if self.is_on() { self.events() } else { Ok(Vec::new()) }
    }

    fn events(&self) -> Result<Vec<&'static str>, SettingsError> {
        let known = |name: &String| {
            UserEvent::TYPES.into_iter().find(|known| known == name).ok_or_else(|| {
                let problem =
                    format!("names {name:?}, but there are only {}", UserEvent::TYPES.join(", "));
                SettingsError::invalid("webhooks.events", problem)
            })
        };
        let events: Vec<_> = self.events.0.iter().map(known).collect::<Result<_, _>>()?;
        if events.is_empty() {
            let problem = "is empty: name the events to send, or empty webhooks.url";
            return Err(SettingsError::invalid("webhooks.events", problem));
        }
        Ok(events)
    }

    /// Where webhooks go, if they are sent.
    #[cfg(feature = "webhook")]
    pub fn options(
        &self,
        events: &crate::EventSettings,
    ) -> Result<Option<adapters::webhook::WebhookOptions>, SettingsError> {
        if !self.is_on() {
            return Ok(None);
        }
        Ok(Some(adapters::webhook::WebhookOptions {
            url: self.url.expose_secret().to_owned(),
            secrets: self.secrets()?,
            timeout: self.timeout,
            give_up_after: self.give_up_after,
            allow_private_addresses: self.allow_private_addresses,
            naming: events.naming(),
        }))
    }

    #[cfg(feature = "webhook")]
    fn secrets(&self) -> Result<Vec<adapters::webhook::WebhookSecret>, SettingsError> {
        let written = self.secret.expose_secret().split([',', ' ', '\t', '\r', '\n']);
        let read = |text| {
            adapters::webhook::WebhookSecret::parse(text)
                .map_err(|error| SettingsError::refused("webhooks.secret", &error))
        };
        written.filter(|text| !text.is_empty()).map(read).collect()
    }
}

#[cfg(feature = "webhook")]
impl From<adapters::webhook::WebhookOptionsError> for SettingsError {
    fn from(error: adapters::webhook::WebhookOptionsError) -> Self {
        Self::refused("webhooks.url", &error)
    }
}

#[cfg(test)]
mod tests {
    use crate::Sources;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn sources() -> Sources {
        Sources::default().with("webhooks.url", &"https://product.example/hooks")
    }

    fn refusal(sources: Sources) -> String {
        sources.load().unwrap_err().to_string()
    }

    #[test]
    fn nothing_is_sent_by_default() {
        let webhooks = Sources::default().load().unwrap().webhooks;
        assert!(!webhooks.is_on() && !webhooks.include_email);
        assert_eq!(webhooks.event_types().unwrap(), [""; 0]);
        let webhooks = sources().with("webhooks.secret", &SECRET).load().unwrap().webhooks;
        assert_eq!(webhooks.event_types().unwrap(), ["user.activated", "user.deleted"]);
    }

    #[test]
    fn asvs_13_2_3_a_receiver_without_a_secret_is_refused_by_name() {
        let message = refusal(sources());
        assert!(message.contains("webhooks.secret (REGISTRATION__WEBHOOKS__SECRET)"), "{message}");
        assert!(message.contains("openssl rand"), "{message}");
    }

    #[test]
    fn events_that_do_not_exist_are_refused_by_name() {
        for (events, part) in
            [("user.activated,user.created", "\"user.created\""), ("user.*", "user.*")]
        {
            let message = refusal(
                sources().with("webhooks.secret", &SECRET).with("webhooks.events", &events),
            );
            assert!(message.contains("webhooks.events") && message.contains(part), "{message}");
            assert!(message.contains("user.activated"), "{message}");
        }
    }

    #[test]
    fn asvs_13_3_1_neither_secret_nor_url_is_shown() {
        let settings = Sources::default()
            .with("webhooks.url", &"https://product.example/hooks?key=hush-hush")
            .with("webhooks.secret", &"hush-hush")
            .load()
            .unwrap();
        assert!(!format!("{settings:?}").contains("hush-hush"));
    }

    #[cfg(feature = "webhook")]
    #[test]
    fn the_secret_may_be_several_while_it_is_changed() {
        use std::io::Write;

        let options = |sources: Sources| {
            let settings = sources.load().unwrap();
            settings.webhooks.options(&settings.events)
        };
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{SECRET}\nwhsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n").unwrap();
        let sources = sources().with("webhooks.secret_file", &file.path().display());
        assert_eq!(options(sources).unwrap().unwrap().secrets.len(), 2);
        let error =
            options(super::tests::sources().with("webhooks.secret", &"hush-hush")).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("webhooks.secret") && !message.contains("hush"), "{message}");
    }
}
