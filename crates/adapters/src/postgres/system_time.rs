//! PostgreSQL's times as everybody else's.

use std::time::{Duration, SystemTime};

use diesel::pg::data_types::PgTimestamp;

/// From the Unix epoch to PostgreSQL's, the beginning of the year 2000.
const EPOCHS: Duration = Duration::from_hours(10_957 * 24);

/// To the millisecond. Earlier times than PostgreSQL's epoch count as that.
pub(super) fn to_system_time(time: PgTimestamp) -> SystemTime {
    let millis = u64::try_from(time.0 / 1000).unwrap_or(0);
    SystemTime::UNIX_EPOCH + EPOCHS + Duration::from_millis(millis)
}
