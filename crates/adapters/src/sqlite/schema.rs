//! The tables of `migrations/sqlite`, as far as the queries name them.

use std::time::{Duration, SystemTime};

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::sql_types::BigInt;

diesel::table! {
    users (id) {
        id -> Text,
        email -> Text,
        email_key -> Text,
        password_hash -> Text,
        code_number -> BigInt,
        code_expires_at -> Nullable<BigInt>,
        activated_at -> Nullable<BigInt>,
        repetition_noted_at -> Nullable<BigInt>,
        guesses_renewed -> BigInt,
        code_requested_at -> BigInt,
        languages -> Nullable<Text>,
    }
}

diesel::table! {
    outbox (id) {
        id -> Text,
        #[sql_name = "type"]
        kind -> Text,
        user_id -> Text,
        code_number -> Nullable<BigInt>,
        traceparent -> Text,
        due_at -> BigInt,
        attempts -> BigInt,
        failed_at -> Nullable<BigInt>,
        failure -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    suppressions (email_key) {
        email_key -> Text,
        since -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(suppressions, users);

/// The time by SQLite's clock, in Unix milliseconds: the same throughout a statement.
pub(super) const NOW: &str = "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)";

/// [`NOW`] for the query builder.
pub(super) fn now() -> SqlLiteral<BigInt> {
    sql(NOW)
}

/// A duration in milliseconds, rounded up so that nothing ends early; at most a century.
pub(super) fn millis(span: Duration) -> i64 {
    const CENTURY: i64 = 100 * 365 * 24 * 60 * 60 * 1000;
    i64::try_from(span.as_micros().div_ceil(1000)).map_or(CENTURY, |millis| millis.min(CENTURY))
}

/// A stored time. Earlier ones than the epoch count as that.
pub(super) fn to_system_time(unix_millis: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(unix_millis).unwrap_or(0))
}
