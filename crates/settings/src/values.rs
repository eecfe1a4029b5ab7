//! How single values are written.

use std::str::FromStr;
use std::time::Duration;

use domain::ports::Quota;
use serde::de::{Deserialize, Deserializer, Error};

/// A rate limit as it is written: `"BURST/PERIOD"`, e.g. `"5/1h"`, or `"off"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaSetting(pub Option<Quota>);

impl FromStr for QuotaSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let problem = || format!("{text:?} is not a limit: write BURST/PERIOD, e.g. \"5/1h\", or \"off\"");
        let (burst, period) = text.split_once('/').ok_or_else(problem)?;
        let burst: u32 = burst.trim().parse().map_err(|_| problem())?;
        let period = parse_period(period.trim()).ok_or_else(problem)?;
        if burst == 0 || period.is_zero() {
            return Err(problem());
        }
        Ok(Self(Some(Quota { burst, period })))
    }
}

fn parse_period(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let count: u32 = digits.parse().ok()?;
    Some(Duration::from_secs(u64::from(count) * seconds))
}

impl<'de> Deserialize<'de> for QuotaSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A list that the environment writes with commas and a file as an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommaList<T>(pub Vec<T>);

impl<'de, T> Deserialize<'de> for CommaList<T>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Written {
            Numbers(Vec<u64>),
            Texts(Vec<String>),
            Text(String),
        }
        let texts = match Written::deserialize(deserializer)? {
            Written::Numbers(numbers) => numbers.iter().map(u64::to_string).collect(),
            Written::Texts(texts) => texts,
            Written::Text(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
        };
        texts
            .iter()
            .filter(|text| !text.is_empty())
            .map(|text| text.parse().map_err(|error| D::Error::custom(format!("{text:?}: {error}"))))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_burst_and_period() {
        let quota = |text: &str| text.parse::<QuotaSetting>();
        assert_eq!(
            quota("5/1h"),
            Ok(QuotaSetting(Some(Quota { burst: 5, period: Duration::from_hours(1) })))
        );
        assert_eq!(quota("off"), Ok(QuotaSetting(None)));
        for text in ["", "5", "5/", "0/1h", "5/0s", "5/h", "5/1w", "-1/1h", "5/1é"] {
            assert!(quota(text).is_err(), "{text:?}");
        }
    }
}
