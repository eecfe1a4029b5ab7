//! Which events a command is about.

use std::time::SystemTime;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use domain::EventId;
use domain::ports::DeadLetterSelection;
use settings::parse_duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// The conditions: an event has to meet each of those that are given.
#[derive(Debug, Clone, Args)]
pub struct Filter {
    /// Only events whose reason contains this text.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: Option<String>,
    /// Only events that were set aside since then: a time such as 2026-01-31T12:00:00Z, or how long
    /// ago, such as 2h.
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<SystemTime>,
    /// Only the event with this identifier; can be given several times.
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<Uuid>,
}

/// Why a text is no time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "write a time such as 2026-01-31T12:00:00Z or 2026-01-31T13:00:00+01:00, or how long ago, such \
     as 30m, 2h or 7d"
)]
struct SinceError;

impl From<Filter> for DeadLetterSelection {
    fn from(filter: Filter) -> Self {
        Self {
            ids: filter.ids.into_iter().map(EventId::from_uuid).collect(),
            reason: filter.reason,
            since: filter.since,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the operator counts back from the clock on the wall"
)]
fn parse_since(text: &str) -> Result<SystemTime, SinceError> {
    since(text, SystemTime::now())
}

fn since(text: &str, now: SystemTime) -> Result<SystemTime, SinceError> {
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(time.into());
    }
    let age = parse_duration(text).map_err(|_| SinceError)?;
    now.checked_sub(age).ok_or(SinceError)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_or_how_long_ago() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(100);
        let hours = |text| {
            since(text, now).map(|time| {
                time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64() / 3600.0
            })
        };
        assert_eq!(hours("2h"), Ok(98.0));
        assert_eq!(hours("1d 30m"), Ok(75.5));
        assert_eq!(hours("1970-01-02T00:00:00Z"), Ok(24.0));
        assert_eq!(hours("1970-01-02T01:30:00.0+01:00"), Ok(24.5));
        for text in ["", "2", "yesterday", "1M", "1970-01-02", "1970-13-02T00:00:00Z", "-2h"] {
            assert_eq!(hours(text), Err(SinceError), "{text}");
        }
    }

    #[test]
    fn longer_ago_than_time_goes_back_is_refused() {
        let earliest = SystemTime::UNIX_EPOCH;
        assert!(since("580000000000y", earliest).is_err());
    }
}
