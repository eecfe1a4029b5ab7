//! Everything that is wrong with the settings, and not only the first of it.

use std::collections::BTreeMap;

use config::{Map, Value, ValueKind};

use crate::sources::{READ_FROM_FILE, over_defaults, read_secret_file};
use crate::{RenamedKey, Settings, SettingsError, Sources, renamed};

impl Sources {
    /// Reads the settings as far as they can be read, and says what is wrong with the others, which
    /// then have their defaults. There are no settings where a source cannot be read as a whole.
    pub fn examine(self) -> (Option<Settings>, Vec<SettingsError>) {
        let given = match self.given() {
            Ok(given) => given,
            Err(error) => return (None, vec![error]),
        };
        let mut errors = Vec::new();
        let (given, renamed) = with_new_names(given, &mut errors);
        let given = keep_readable(given, &mut errors);
        let mut builder = over_defaults(given);
        for key in READ_FROM_FILE {
            let secret = read_secret_file(&builder, key);
            match secret.and_then(|secret| match secret {
                Some(secret) => builder.clone().set_override(key, secret),
                None => Ok(builder.clone()),
            }) {
                Ok(extended) => builder = extended,
                Err(error) => errors.push(error.into()),
            }
        }
        match builder.build().and_then(config::Config::try_deserialize::<Settings>) {
            Ok(mut settings) => {
                settings.renamed = renamed;
                errors.extend(settings.contradictions());
                (Some(settings), errors)
            }
            Err(error) => {
                errors.push(error.into());
                (None, errors)
            }
        }
    }
}

/// Each error has taken one old name away, so that the next attempt gets further.
fn with_new_names(
    mut given: Map<String, Value>,
    errors: &mut Vec<SettingsError>,
) -> (Map<String, Value>, Vec<RenamedKey>) {
    loop {
        match renamed::move_to_new_names(&mut given) {
            Ok(renamed) => return (given, renamed),
            Err(error) => errors.push(error),
        }
    }
}

/// Tries each setting by itself on top of the defaults.
fn keep_readable(given: Map<String, Value>, errors: &mut Vec<SettingsError>) -> Map<String, Value> {
    let mut readable = Map::new();
    // In an order of their own, so that two looks say the same.
    for (section, value) in BTreeMap::from_iter(given) {
        let ValueKind::Table(keys) = value.kind else {
            // No section at all.
            is_readable(&section, value, errors);
            continue;
        };
        let mut kept = Map::new();
        for (key, value) in BTreeMap::from_iter(keys) {
            let alone = Map::from_iter([(key.clone(), value.clone())]);
            if is_readable(&section, alone.into(), errors) {
                kept.insert(key, value);
            }
        }
        if !kept.is_empty() {
            readable.insert(section, kept.into());
        }
    }
    readable
}

fn is_readable(section: &str, value: Value, errors: &mut Vec<SettingsError>) -> bool {
    let alone = Map::from_iter([(section.to_owned(), value)]);
    let read = over_defaults(alone).build().and_then(config::Config::try_deserialize::<Settings>);
    read.map_err(|error| errors.push(error.into())).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn sentences(errors: &[SettingsError]) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_wrong_setting_is_named_and_the_others_are_read() {
        let sources = Sources::default()
            .with("code.digits", &9)
            .with("code.attempts", &3)
            .with("http.listen", &"everywhere")
            .with("smtp.tsl", &"none")
            .with("cdoe.window", &"60s")
            .with("whatever", &1)
            .with("redis.timeout", &"0s")
            .with("code.key_file", &"/nowhere/code.key")
            .with("smtp.password_file", &"/nowhere/smtp.password")
            .with("registration.purge_after", &"1m")
            .with("outbox.lease", &"1s");
        let (settings, errors) = sources.examine();
        let mut errors = sentences(&errors);
        for named in [
            "code.digits",
            "http.listen",
            "tsl",
            "cdoe",
            "whatever",
            "redis.timeout",
            "code.key_file",
            "smtp.password_file",
            "registration.purge_after",
            "outbox.lease",
        ] {
            let found = errors.iter().position(|error| error.contains(named));
            errors.remove(found.unwrap_or_else(|| panic!("{named} is not in {errors:#?}")));
        }
        assert_eq!(errors, [""; 0], "each is named once");
        let settings = settings.unwrap();
        assert_eq!((settings.code.attempts.get(), settings.code.length.digits()), (3, 4));
    }

    #[test]
    fn old_names_beside_new_ones_are_all_named() {
        let sources = Sources::default()
            .with("code.window_seconds", &"90")
            .with("code.window", &"90s")
            .with("smtp.timeout_ms", &"90")
            .with("smtp.timeout", &"90s")
            .with("redis.timeout_ms", &"90");
        let (settings, errors) = sources.examine();
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert_eq!(settings.unwrap().redis.timeout.as_millis(), 90);
    }

    #[test]
    fn right_settings_are_the_same_as_when_they_are_loaded() {
        let sources = || Sources::default().with("code.digits", &6).with("http.workers", &3);
        let (settings, errors) = sources().examine();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(format!("{:?}", settings.unwrap()), format!("{:?}", sources().load().unwrap()));
    }

    #[test]
    fn asvs_13_3_1_a_file_that_cannot_be_read_is_one_error_that_repeats_nothing() {
        let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        writeln!(file, "[code]\nkey = hush-hush").unwrap();
        for path in [file.path(), std::path::Path::new("/nowhere/settings.toml")] {
            let (settings, errors) = Sources::of_file(path).examine();
            let sentences = sentences(&errors);
            assert!(settings.is_none() && sentences.len() == 1, "{sentences:?}");
            assert!(sentences[0].contains(path.to_str().unwrap()), "{sentences:?}");
            assert!(!sentences[0].contains("hush"), "{sentences:?}");
        }
    }
}
