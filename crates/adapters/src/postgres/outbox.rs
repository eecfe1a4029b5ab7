//! The outbox in PostgreSQL: any number of relays take from it without waiting for each other.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use diesel::pg::Pg;
use diesel::pg::data_types::PgInterval;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::{ExpressionMethods, NullableExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ports::{Outbox, OutboxEntry, OutboxError, Recorded};
use domain::{EventId, UserEvent};
use futures::FutureExt;
use uuid::Uuid;

use super::database::{Database, Failure};
use super::outbox_statements::{Claim, Claimed, Delete};
use super::schema::{clock_timestamp, outbox};
use crate::hand_over::HandOver;
use crate::sql_rows::StoredEvent;

/// [`Outbox`] in PostgreSQL.
pub struct PostgresOutbox {
    database: Database,
    hand_over: Arc<HandOver>,
}

impl PostgresOutbox {
    /// Works on the outbox that [`super::PostgresUserRepository`] fills; with the same `hand_over` it
    /// gets the events of its own process without a query.
    pub fn new(database: Database, hand_over: Arc<HandOver>) -> Self {
        Self { database, hand_over }
    }

    async fn update<Q>(&self, statement: Q) -> Result<(), OutboxError>
    where
        Q: QueryFragment<Pg> + QueryId + Send + 'static,
    {
        let work = self.database.run(|connection| statement.execute(connection).boxed());
        work.await.map(drop).map_err(unavailable)
    }
}

/// A duration in PostgreSQL's unit, microseconds. At most a century, to stay in the range of its
/// timestamps.
pub(super) fn interval(span: Duration) -> PgInterval {
    const CENTURY: i64 = 100 * 365 * 24 * 60 * 60 * 1_000_000;
    PgInterval::from_microseconds(
        i64::try_from(span.as_micros()).map_or(CENTURY, |span| span.min(CENTURY)),
    )
}

fn unavailable(failure: Failure) -> OutboxError {
    OutboxError(failure.into())
}

#[async_trait]
impl Outbox for PostgresOutbox {
    async fn claim(&self, limit: u32, lease: Duration) -> Result<Vec<OutboxEntry>, OutboxError> {
        let claim = Claim { limit: i64::from(limit), lease: interval(lease) };
        let rows: Vec<Claimed> = self
            .database
            .run(|connection| claim.load(connection).boxed())
            .await
            .map_err(unavailable)?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, kind, user_id, code_number, traceparent, attempts) = row;
            let stored = StoredEvent { id, kind, user_id, code_number, traceparent };
            match stored.try_into() {
                Ok(event) => {
                    let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
                    entries.push(OutboxEntry { event, attempts });
                }
                Err(damage) => {
                    tracing::error!(event = "outbox.row_damaged", event_id = %id, error = %damage, "a damaged row was set aside");
                    self.bury(EventId::from_uuid(id), &damage.to_string()).await?;
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
        let unknown = waiting.filter(outbox::kind.ne_all(UserEvent::TYPES.to_vec())).count();
        let count = self.database.run(|connection| unknown.get_result::<i64>(connection).boxed());
        Ok(u64::try_from(count.await.map_err(unavailable)?).unwrap_or(0))
    }

    async fn delete(&self, events: &[EventId]) -> Result<(), OutboxError> {
        let ids: Vec<Uuid> = events.iter().map(|event| *event.as_uuid()).collect();
        self.update(Delete { ids }).await
    }

    async fn defer(&self, event: EventId, delay: Duration) -> Result<(), OutboxError> {
        let due_at = (clock_timestamp().nullable() + interval(delay)).assume_not_null();
        self.update(
            diesel::update(outbox::table.find(*event.as_uuid())).set(outbox::due_at.eq(due_at)),
        )
        .await
    }

    async fn bury(&self, event: EventId, reason: &str) -> Result<(), OutboxError> {
        let statement = diesel::update(outbox::table.find(*event.as_uuid())).set((
            outbox::failed_at.eq(clock_timestamp().nullable()),
            outbox::failure.eq(Some(reason.to_owned())),
        ));
        self.update(statement).await
    }
}
