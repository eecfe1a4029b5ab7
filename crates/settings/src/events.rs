//! `[events]`: what events are called.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use serde::Deserialize;

use crate::SettingsError;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSettings {
    source: String,
    type_prefix: String,
}

impl EventSettings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if !is_uri_reference(&self.source) {
            let problem = "must be a URI or a path like /registration";
            return Err(SettingsError::invalid("events.source", problem));
        }
        if !self.type_prefix.is_empty() && !self.type_prefix.split('.').all(is_label) {
            let problem = "must be a domain name in reverse, like com.example, or empty";
            return Err(SettingsError::invalid("events.type_prefix", problem));
        }
        Ok(())
    }

    /// What the events of this deployment are called.
    #[cfg(feature = "cloud_events")]
    pub fn naming(&self) -> adapters::cloud_events::EventNaming {
        adapters::cloud_events::EventNaming {
            source: self.source.clone(),
            type_prefix: self.type_prefix.clone(),
        }
    }
}

/// Whether every character may be in a URI reference (RFC 3986 appendix A), and there is one.
fn is_uri_reference(text: &str) -> bool {
    let may_be_in_a_uri =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    !text.is_empty() && text.bytes().all(may_be_in_a_uri)
}

/// Whether a text is a part of a domain name, in lower case (RFC 1035 section 2.3.1).
fn is_label(text: &str) -> bool {
    let may_be_within = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let is_bounded = !text.starts_with('-') && !text.ends_with('-');
    (1..=63).contains(&text.len()) && is_bounded && text.bytes().all(may_be_within)
}

#[cfg(test)]
mod tests {
    use crate::Sources;

    fn refusal(key: &'static str, value: &str) -> Option<String> {
        Sources::default().with(key, &value).load().err().map(|error| error.to_string())
    }

    #[test]
    fn what_cannot_name_events_is_refused_by_name() {
        for (key, values) in [
            ("events.source", &["", "my service", "/é", "/a\nb"][..]),
            ("events.type_prefix", &["com.example.", ".com", "Com.example", "com example", "-a"]),
        ] {
            for value in values {
                let message = refusal(key, value).unwrap_or_else(|| panic!("{key} = {value:?}"));
                assert!(message.contains(key), "{message}");
            }
        }
        for (key, values) in [
            ("events.source", &["/registration", "https://example.com/signup?a=b#c"]),
            ("events.type_prefix", &["", "com.example-1.sign-up"]),
        ] {
            for value in values {
                assert_eq!(refusal(key, value), None, "{key} = {value:?}");
            }
        }
    }
}
