//! Rate limits as they are written.

use std::str::FromStr;

use domain::ports::Quota;
use serde::de::{Deserialize, Deserializer, Error};

use crate::duration;

/// A rate limit as it is written: `"BURST/PERIOD"`, e.g. `"5/1h"`, or `"off"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaSetting(pub Option<Quota>);

impl FromStr for QuotaSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let problem =
            || format!("{text:?} is not a limit: write BURST/PERIOD, e.g. \"5/1h\", or \"off\"");
        let (burst, period) = text.split_once('/').ok_or_else(problem)?;
        let burst: u32 = burst.trim().parse().map_err(|_| problem())?;
        let period = duration::parse(period).map_err(|_| problem())?;
        if burst == 0 {
            return Err(problem());
        }
        Ok(Self(Some(Quota { burst, period })))
    }
}

impl<'de> Deserialize<'de> for QuotaSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn limits_are_written_as_burst_and_period() {
        let quota = |text: &str| text.parse::<QuotaSetting>();
        assert_eq!(
            quota("5/1h"),
            Ok(QuotaSetting(Some(Quota { burst: 5, period: Duration::from_hours(1) })))
        );
        assert_eq!(quota("off"), Ok(QuotaSetting(None)));
        for text in ["", "5", "5/", "0/1h", "5/0s", "5/h", "5/1M", "-1/1h", "5/1é"] {
            assert!(quota(text).is_err(), "{text:?}");
        }
    }
}
