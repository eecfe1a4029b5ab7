//! The outbox in SQLite.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use diesel::connection::Connection;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::sqlite::Sqlite;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryResult,
    RunQueryDsl, SqliteConnection,
};
use domain::ports::{Outbox, OutboxEntry, OutboxError, Recorded};
use domain::{EventId, UserEvent};

use super::database::{Database, Failure};
use super::schema::{millis, now, outbox};
use super::text_uuid::TextUuid;
use crate::hand_over::HandOver;
use crate::sql_rows::StoredEvent;

/// [`Outbox`] in SQLite.
pub struct SqliteOutbox {
    database: Database,
    hand_over: Arc<HandOver>,
}

impl SqliteOutbox {
    /// Works on the outbox that [`super::SqliteUserRepository`] fills; with the same `hand_over` it
    /// gets the events of its own process without a query.
    pub fn new(database: Database, hand_over: Arc<HandOver>) -> Self {
        Self { database, hand_over }
    }

    /// Makes every claimed event due at once. For the start of the only process that uses the file:
    /// an event that is claimed then was claimed by a process that died.
    pub async fn release_all(&self) -> Result<(), OutboxError> {
        let claimed = outbox::failed_at.is_null().and(outbox::due_at.gt(now()));
        self.update(diesel::update(outbox::table.filter(claimed)).set(outbox::due_at.eq(now())))
            .await
    }

    async fn update<Q>(&self, statement: Q) -> Result<(), OutboxError>
    where
        Q: QueryFragment<Sqlite> + QueryId + Send + 'static,
    {
        self.database
            .write(move |connection| connection.execute_returning_count(&statement))
            .await
            .map(drop)
            .map_err(unavailable)
    }
}

type Row = (TextUuid, String, TextUuid, Option<i64>, String, i64);

/// Adds events to the outbox, within the transaction of the change that caused them: claimed for
/// `lease`, or due.
pub(super) fn record(
    connection: &mut SqliteConnection,
    events: impl IntoIterator<Item = StoredEvent>,
    lease: Option<Duration>,
) -> QueryResult<()> {
    for event in events {
        diesel::insert_into(outbox::table)
            .values((
                outbox::id.eq(TextUuid(event.id)),
                outbox::kind.eq(event.kind),
                outbox::user_id.eq(TextUuid(event.user_id)),
                outbox::code_number.eq(event.code_number),
                outbox::traceparent.eq(event.traceparent),
                outbox::due_at.eq(now() + millis(lease.unwrap_or(Duration::ZERO))),
                outbox::attempts.eq(i64::from(lease.is_some())),
                outbox::created_at.eq(now()),
            ))
            .execute(connection)?;
    }
    Ok(())
}

fn unavailable(failure: Failure) -> OutboxError {
    OutboxError(failure.into())
}

#[async_trait]
impl Outbox for SqliteOutbox {
    async fn claim(&self, limit: u32, lease: Duration) -> Result<Vec<OutboxEntry>, OutboxError> {
        let due = diesel::alias!(outbox as due);
        let due = due
            .filter(due.field(outbox::failed_at).is_null())
            .filter(due.field(outbox::due_at).le(now()))
            .filter(due.field(outbox::kind).eq_any(UserEvent::TYPES))
            .order((due.field(outbox::due_at), due.field(outbox::id)))
            .limit(limit.into())
            .select(due.field(outbox::id));
        let claim = diesel::update(outbox::table)
            .filter(outbox::id.eq_any(due))
            .set((
                outbox::due_at.eq(now() + millis(lease)),
                outbox::attempts.eq(outbox::attempts + 1),
            ))
            .returning((
                outbox::id,
                outbox::kind,
                outbox::user_id,
                outbox::code_number,
                outbox::traceparent,
                outbox::attempts,
            ));
        let mut rows: Vec<Row> =
            self.database.write(|connection| claim.load(connection)).await.map_err(unavailable)?;
        rows.sort_by_key(|row| row.0.0);
        let mut entries = Vec::with_capacity(rows.len());
        for (id, kind, user_id, code_number, traceparent, attempts) in rows {
            let stored =
                StoredEvent { id: id.0, kind, user_id: user_id.0, code_number, traceparent };
            match stored.try_into() {
                Ok(event) => {
                    let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
                    entries.push(OutboxEntry { event, attempts });
                }
                Err(damage) => {
                    tracing::error!(event = "outbox.row_damaged", event_id = %id.0, error = %damage, "a damaged row was set aside");
                    self.bury(EventId::from_uuid(id.0), &damage.to_string()).await?;
                }
            }
        }
        Ok(entries)
    }

    async fn recorded(&self, limit: u32) -> Recorded {
        self.hand_over.recorded(limit).await
    }

    fn set_hand_over(&self, wanted: bool) {
        self.hand_over.set_wanted(wanted);
    }

    async fn count_unknown(&self) -> Result<u64, OutboxError> {
        let waiting = outbox::table.filter(outbox::failed_at.is_null());
        let unknown = waiting.filter(outbox::kind.ne_all(UserEvent::TYPES)).count();
        let count: i64 = self
            .database
            .write(|connection| unknown.get_result(connection))
            .await
            .map_err(unavailable)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    async fn delete(&self, events: &[EventId]) -> Result<(), OutboxError> {
        let ids: Vec<TextUuid> = events.iter().map(|event| TextUuid(*event.as_uuid())).collect();
        self.update(diesel::delete(outbox::table.filter(outbox::id.eq_any(ids)))).await
    }

    async fn defer(&self, event: EventId, delay: Duration) -> Result<(), OutboxError> {
        let statement = diesel::update(outbox::table.find(TextUuid(*event.as_uuid())))
            .set(outbox::due_at.eq(now() + millis(delay)));
        self.update(statement).await
    }

    async fn bury(&self, event: EventId, reason: &str) -> Result<(), OutboxError> {
        let statement = diesel::update(outbox::table.find(TextUuid(*event.as_uuid()))).set((
            outbox::failed_at.eq(now().nullable()),
            outbox::failure.eq(Some(reason.to_owned())),
        ));
        self.update(statement).await
    }
}
