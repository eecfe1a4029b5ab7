//! `[code]`: the verification codes.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::num::NonZeroU32;
use std::time::Duration;

use domain::{CodeKey, CodeKeys, CodeLength};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::{CommaList, SettingsError, duration};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeSettings {
    key: SecretString,
    #[serde(rename = "key_file")]
    _key_file: String,
    previous_keys: SecretString,
    #[serde(rename = "previous_keys_file")]
    _previous_keys_file: String,
    #[serde(rename = "digits", deserialize_with = "code_length")]
    pub length: CodeLength,
    #[serde(rename = "previous_digits", deserialize_with = "code_lengths")]
    pub previous_lengths: Vec<CodeLength>,
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

    /// Whether codes of other keys are known.
    pub fn has_previous_keys(&self) -> bool {
        !self.previous_keys.expose_secret().is_empty()
    }

    /// Takes another key, in hexadecimal: the one that the standalone binary makes.
    pub fn set_key(&mut self, key: &str) {
        self.key = SecretString::from(key);
    }

    /// The keys that codes are derived with. Refuses a missing, short or example key.
    pub fn keys(&self) -> Result<CodeKeys, SettingsError> {
        let problem = |what: &str| {
            let advice = "make one with `openssl rand -hex 32`";
            SettingsError::invalid("code.key", format!("{what}: {advice}"))
        };
        let present = match self.key.expose_secret() {
            "" => return Err(problem("is missing")),
            key => CodeKey::from_hex(key)
                .map_err(|error| problem(&format!("cannot be used, {error}")))?,
        };
        Ok(CodeKeys::new(present, self.previous_keys()?))
    }

    fn previous_keys(&self) -> Result<Vec<CodeKey>, SettingsError> {
        let written = self.previous_keys.expose_secret().split([',', ' ', '\t', '\r', '\n']);
        let read = |(position, text): (usize, &str)| {
            CodeKey::from_hex(text).map_err(|error| {
                let problem = format!("cannot be used, number {} of them: {error}", position + 1);
                SettingsError::invalid("code.previous_keys", problem)
            })
        };
        written.filter(|text| !text.is_empty()).enumerate().map(read).collect()
    }
}

fn code_length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CodeLength, D::Error> {
    CodeLength::new(u8::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn code_lengths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CodeLength>, D::Error> {
    let digits = CommaList::<u8>::deserialize(deserializer)?.0;
    digits.into_iter().map(|digits| CodeLength::new(digits).map_err(D::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use domain::{CodeIssue, CodeKey, CodeKeys, UserId};

    use crate::{Settings, Sources};

    const PRESENT: &str = "0d9c3b7aa1f25e8846b7d0c3925e1f7a88d46c0b3fe1975a2dc6084be3f1a975";
    const PREVIOUS: [&str; 2] = [
        "7b1d0c9f4e5a6b2833d7f1a0c4e98275615f0b3ad2c7e48691b0fa3d5c6e7f12",
        "c1a4f07e92b35d68e0179b42fd8c6a35704e19dbb25f83ac6d01e7f94b8820c6",
    ];

    fn key_refusal(key: &str) -> String {
        let settings = Sources::default().with("code.key", &key).load().unwrap();
        settings.code.keys().unwrap_err().to_string()
    }

    /// Derives new codes with the present key, and knows those of the previous ones.
    fn assert_all_known(settings: &Settings) {
        let keys = settings.code.keys().unwrap();
        let present = CodeKeys::new(CodeKey::from_hex(PRESENT).unwrap(), Vec::new());
        assert_eq!(keys.derivation(settings.code.length), present.derivation(settings.code.length));
        let issue = CodeIssue { user_id: UserId::from_uuid(uuid::Uuid::nil()), number: 1 };
        for previous in PREVIOUS {
            let worker = CodeKeys::new(CodeKey::from_hex(previous).unwrap(), Vec::new());
            let recorded = worker.derivation(settings.code.length);
            let code = worker.derive(issue, recorded).unwrap();
            assert!(keys.derive(issue, recorded).unwrap().matches(code.expose()));
        }
    }

    #[test]
    fn previous_keys_are_a_list_or_the_lines_of_a_file() {
        let sources = || Sources::default().with("code.key", &PRESENT);
        assert_all_known(
            &sources().with("code.previous_keys", &PREVIOUS.join(", ")).load().unwrap(),
        );
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{}\r\n{}\n", PREVIOUS[0], PREVIOUS[1]).unwrap();
        let path = file.path().display();
        assert_all_known(&sources().with("code.previous_keys_file", &path).load().unwrap());
    }

    #[test]
    fn asvs_13_2_3_a_previous_key_that_cannot_be_used_is_refused_by_name_and_not_shown() {
        let keys = format!("{},c0ffee", PREVIOUS[0]);
        let sources =
            Sources::default().with("code.key", &PRESENT).with("code.previous_keys", &keys);
        let message = sources.load().unwrap().code.keys().unwrap_err().to_string();
        assert!(
            message.contains("code.previous_keys") && message.contains("number 2"),
            "{message}"
        );
        assert!(!message.contains("c0ffee") && !message.contains(PREVIOUS[0]), "{message}");
    }

    #[test]
    fn previous_lengths_are_a_list_of_numbers() {
        let lengths = |sources: Sources| {
            let lengths = sources.load().map(|settings| settings.code.previous_lengths);
            lengths.map(|lengths| lengths.iter().map(|length| length.digits()).collect::<Vec<_>>())
        };
        assert_eq!(lengths(Sources::default()).unwrap(), Vec::<usize>::new());
        assert_eq!(
            lengths(Sources::default().with("code.previous_digits", &"4, 5")).unwrap(),
            [4, 5]
        );
        let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        writeln!(file, "[code]\nprevious_digits = [6]").unwrap();
        assert_eq!(lengths(Sources::of_file(file.path())).unwrap(), [6]);
        let message = lengths(Sources::default().with("code.previous_digits", &"4,0"))
            .unwrap_err()
            .to_string();
        assert!(message.contains("code.previous_digits"), "{message}");
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
            .with("code.previous_keys", &"hush-hush")
            .with("postgres.url", &"postgres://me:hush-hush@db/x")
            .with("smtp.password", &"hush-hush")
            .with("product.token", &"hush-hush")
            .load()
            .unwrap();
        assert!(!format!("{settings:?}").contains("hush-hush"));
    }
}
