//! The outbox in PostgreSQL: any number of relays take from it without waiting for each other.

use std::time::Duration;

use async_trait::async_trait;
use diesel::pg::Pg;
use diesel::pg::data_types::PgInterval;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Interval, Nullable, Text};
use diesel::{
    ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryResult, QueryableByName, sql_query,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ports::{Outbox, OutboxEntry, OutboxError};
use domain::{EventId, UserEvent};
use futures::FutureExt;
use uuid::Uuid;

use super::database::{Database, Failure};
use super::schema::{clock_timestamp, outbox};
use crate::sql_rows::StoredEvent;

/// Claims the events that have been due for longest. Rows that another relay is claiming at this
/// moment are skipped; the first part is materialised so that it is evaluated, and takes its locks,
/// only once.
const CLAIM: &str = "
    WITH due AS MATERIALIZED (
        SELECT id FROM outbox
        WHERE failed_at IS NULL AND due_at <= now() AND type = ANY($3)
        ORDER BY due_at, id LIMIT $1
        FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE outbox SET due_at = clock_timestamp() + $2, attempts = attempts + 1
        FROM due WHERE outbox.id = due.id
        RETURNING outbox.*
    )
    SELECT id, type AS kind, user_id, code_number, traceparent, attempts FROM claimed ORDER BY id";

/// [`Outbox`] in PostgreSQL.
pub struct PostgresOutbox {
    pub(super) database: Database,
}

impl PostgresOutbox {
    /// Works on the outbox that [`super::PostgresUserRepository`] fills.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn update<Q>(&self, statement: Q) -> Result<(), OutboxError>
    where
        Q: QueryFragment<Pg> + QueryId + Send + 'static,
    {
        let work = self.database.run(|connection| statement.execute(connection).boxed());
        work.await.map(drop).map_err(unavailable)
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    user_id: Uuid,
    #[diesel(sql_type = Nullable<BigInt>)]
    code_number: Option<i64>,
    #[diesel(sql_type = Text)]
    traceparent: String,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
}

/// Adds events to the outbox, within the transaction of the change that caused them.
pub(super) async fn record(
    connection: &mut AsyncPgConnection,
    events: Vec<StoredEvent>,
) -> QueryResult<()> {
    // One by one: a multi-row insert is prepared anew each time, and there is hardly ever more than
    // one event.
    for event in events {
        let row = (
            outbox::id.eq(event.id),
            outbox::kind.eq(event.kind),
            outbox::user_id.eq(event.user_id),
            outbox::code_number.eq(event.code_number),
            outbox::traceparent.eq(event.traceparent),
        );
        diesel::insert_into(outbox::table).values(row).execute(connection).await?;
    }
    Ok(())
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
        let claim = sql_query(CLAIM)
            .bind::<BigInt, _>(i64::from(limit))
            .bind::<Interval, _>(interval(lease))
            .bind::<Array<Text>, _>(UserEvent::TYPES.to_vec());
        let rows: Vec<Row> = self
            .database
            .run(|connection| claim.load(connection).boxed())
            .await
            .map_err(unavailable)?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let Row { id, kind, user_id, code_number, traceparent, attempts } = row;
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

    async fn count_unknown(&self) -> Result<u64, OutboxError> {
        let waiting = outbox::table.filter(outbox::failed_at.is_null());
        let unknown = waiting.filter(outbox::kind.ne_all(UserEvent::TYPES.to_vec())).count();
        let count = self.database.run(|connection| unknown.get_result::<i64>(connection).boxed());
        Ok(u64::try_from(count.await.map_err(unavailable)?).unwrap_or(0))
    }

    async fn delete(&self, events: &[EventId]) -> Result<(), OutboxError> {
        let ids: Vec<Uuid> = events.iter().map(|event| *event.as_uuid()).collect();
        self.update(diesel::delete(outbox::table.filter(outbox::id.eq_any(ids)))).await
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
