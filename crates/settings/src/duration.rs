//! Durations as they are written: a number and its unit, in every section.

use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error};

/// The shortest duration that a setting may ask for. Nothing is done in less, and a pause that is
/// shorter is none.
const SHORTEST: Duration = Duration::from_millis(10);

/// Why a text is not a duration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DurationError {
    /// No number, no unit, or a unit that is not known.
    #[error(
        r#"{0:?} is not a duration: write a number and its unit, such as "500ms", "30s", "5m", "1h" or "7d""#
    )]
    Malformed(String),
    /// Nothing can be done in no time.
    #[error("{0:?} is too short: write at least \"10ms\"")]
    TooShort(String),
}

/// Reads a duration of at least ten milliseconds. `M`, a month to humantime and a minute to most
/// readers, is refused.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let malformed = || DurationError::Malformed(text.to_owned());
    if text.contains('M') {
        return Err(malformed());
    }
    match humantime::parse_duration(text.trim()) {
        Ok(duration) if duration < SHORTEST => Err(DurationError::TooShort(text.to_owned())),
        Ok(duration) => Ok(duration),
        // humantime takes a bare 0.
        Err(_) => Err(malformed()),
    }
}

/// For `#[serde(deserialize_with)]`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// For `#[serde(deserialize_with)]` where no time at all means something.
pub(crate) fn deserialize_or_zero<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim() == "0s" { Ok(Duration::ZERO) } else { parse(&text).map_err(D::Error::custom) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_unit() {
        let seconds = |text| parse(text).map(|duration| duration.as_secs_f64());
        assert_eq!(seconds("30s"), Ok(30.0));
        assert_eq!(seconds("500ms"), Ok(0.5));
        assert_eq!(seconds("10ms"), Ok(0.01));
        assert_eq!(seconds(" 1h 30m "), Ok(5400.0));
        assert_eq!(seconds("7d"), Ok(604_800.0));
    }

    #[test]
    fn anything_else_is_refused_with_the_form() {
        for text in ["", "30", "s", "-1s", "1x", "1M", "5 Minutes", "1e3s", "99999999999999999999s"]
        {
            let error = parse(text).unwrap_err();
            assert_eq!(error, DurationError::Malformed(text.to_owned()));
            assert!(error.to_string().contains("\"30s\""), "{error}");
        }
        for text in ["0", "0s", "999us", "9ms"] {
            assert_eq!(parse(text), Err(DurationError::TooShort(text.to_owned())));
        }
    }
}
