//! The outbox in PostgreSQL: any number of relays take from it without waiting for each other.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use diesel::pg::Pg;
use diesel::pg::data_types::PgInterval;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::sql_query;
use diesel::sql_types::{Array, Interval, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::ports::{Outbox, OutboxEntry, OutboxError, Recorded};
use domain::{EventId, UserEvent};
use futures::FutureExt;
use uuid::Uuid;

use super::database::{Database, Failure};
use super::outbox_statements::{Claim, Claimed, Delete};
use crate::hand_over::HandOver;
use crate::sql_buried_events::EventCount;
use crate::sql_outbox_table::OutboxTable;
use crate::sql_rows::StoredEvent;

/// [`Outbox`] in PostgreSQL.
pub struct PostgresOutbox {
    database: Database,
    table: OutboxTable,
    hand_over: Arc<HandOver>,
}

impl PostgresOutbox {
    /// Works on the outbox that [`super::PostgresUserRepository`] fills; with the same `hand_over` it
    /// gets the events of its own process without a query.
    pub fn new(database: Database, hand_over: Arc<HandOver>) -> Self {
        Self { database, table: OutboxTable::Bus, hand_over }
    }

    /// Works on the events for the webhook, with the second part of [`HandOver::with_webhook`].
    pub fn of_webhook(database: Database, hand_over: Arc<HandOver>) -> Self {
        Self { table: OutboxTable::Webhook, ..Self::new(database, hand_over) }
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
        let claim = Claim { table: self.table, limit: i64::from(limit), lease: interval(lease) };
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
        let count = format!(
            "SELECT count(*) AS events FROM {} WHERE failed_at IS NULL AND type <> ALL($1)",
            self.table.name()
        );
        let count = sql_query(count).bind::<Array<Text>, _>(UserEvent::TYPES.to_vec());
        let count =
            self.database.run(|connection| count.get_result::<EventCount>(connection).boxed());
        Ok(u64::try_from(count.await.map_err(unavailable)?.events).unwrap_or(0))
    }

    async fn delete(&self, events: &[EventId]) -> Result<(), OutboxError> {
        let ids: Vec<Uuid> = events.iter().map(|event| *event.as_uuid()).collect();
        self.update(Delete { table: self.table, ids }).await
    }

    async fn defer(&self, event: EventId, delay: Duration) -> Result<(), OutboxError> {
        let defer = format!(
            "UPDATE {} SET due_at = clock_timestamp() + $1 WHERE id = $2",
            self.table.name()
        );
        let defer = sql_query(defer)
            .bind::<Interval, _>(interval(delay))
            .bind::<SqlUuid, _>(*event.as_uuid());
        self.update(defer).await
    }

    async fn bury(&self, event: EventId, reason: &str) -> Result<(), OutboxError> {
        let bury = format!(
            "UPDATE {} SET failed_at = clock_timestamp(), failure = $1 WHERE id = $2",
            self.table.name()
        );
        let bury =
            sql_query(bury).bind::<Text, _>(reason.to_owned()).bind::<SqlUuid, _>(*event.as_uuid());
        self.update(bury).await
    }
}
