//! The buried rows of an outbox in SQL, page by page, and what all its rows amount to.

use std::ops::ControlFlow;
use std::time::{Duration, SystemTime};

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Double, Text};
use domain::ports::{DeadLetter, DeadLetterVisitor, OutboxStatus};
use domain::{EventId, UserEvent};
use uuid::Uuid;

/// How many rows are in memory, and locked, at once.
pub(crate) const PAGE_SIZE: u16 = 500;

/// A buried row.
#[derive(QueryableByName)]
pub(crate) struct BuriedEvent {
    #[diesel(sql_type = Text)]
    pub(crate) id: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    reason: String,
    /// In Unix milliseconds.
    #[diesel(sql_type = BigInt)]
    failed_at: i64,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    /// As JSON.
    #[diesel(sql_type = Text)]
    event: String,
}

/// What precedes the first page.
pub(crate) fn before_the_first() -> String {
    Uuid::nil().to_string()
}

/// Shows a page to `visit`, unless no more are wanted. Returns the identifier after which the next
/// page begins, unless this was the last.
pub(crate) fn visit_page(
    page: Vec<BuriedEvent>,
    visit: &mut DeadLetterVisitor<'_>,
) -> ControlFlow<(), Option<String>> {
    let next = page.last().filter(|_| page.len() >= PAGE_SIZE.into()).map(|row| row.id.clone());
    for row in page {
        visit(row.into())?;
    }
    ControlFlow::Continue(next)
}

impl From<BuriedEvent> for DeadLetter {
    fn from(row: BuriedEvent) -> Self {
        let failed_at = Duration::from_millis(u64::try_from(row.failed_at).unwrap_or(0));
        Self {
            id: row.id.parse().ok().map(EventId::from_uuid),
            kind: Some(row.kind),
            reason: row.reason,
            failed_at: Some(SystemTime::UNIX_EPOCH + failed_at),
            attempts: u64::try_from(row.attempts).ok(),
            event: row.event,
        }
    }
}

/// A time in Unix milliseconds. Earlier times count as 1970.
pub(crate) fn unix_millis(time: SystemTime) -> i64 {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

/// How many events there are.
#[derive(QueryableByName)]
pub(crate) struct EventCount {
    #[diesel(sql_type = BigInt)]
    pub(crate) events: i64,
}

/// The events of one type that are in the same state.
#[derive(QueryableByName)]
pub(crate) struct StatusRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    is_buried: bool,
    #[diesel(sql_type = BigInt)]
    events: i64,
    #[diesel(sql_type = BigInt)]
    leased: i64,
    /// In seconds.
    #[diesel(sql_type = Double)]
    oldest_age: f64,
}

/// What the rows of all types amount to.
pub(crate) fn sum_status(rows: Vec<StatusRow>) -> OutboxStatus {
    let count = |number| u64::try_from(number).unwrap_or(0);
    let mut status = OutboxStatus::default();
    for row in rows {
        let events = count(row.events);
        if row.is_buried {
            status.buried += events;
        } else if UserEvent::TYPES.contains(&row.kind.as_str()) {
            status.depth += events;
            status.leased += count(row.leased);
            // Negative if the clock was set back.
            let age = Duration::try_from_secs_f64(row.oldest_age).unwrap_or_default();
            status.oldest_age = status.oldest_age.max(Some(age));
        } else {
            status.unknown.insert(row.kind, events);
        }
    }
    status
}
