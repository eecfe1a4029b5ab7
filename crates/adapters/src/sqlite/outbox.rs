//! The outbox in SQLite.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use diesel::connection::Connection;
use diesel::query_builder::{QueryFragment, QueryId, SqlQuery};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel::{
    ExpressionMethods, QueryResult, QueryableByName, RunQueryDsl, SqliteConnection, sql_query,
};
use domain::ports::{Outbox, OutboxEntry, OutboxError, Recorded};
use domain::{Event, EventId, UserEvent};

use super::database::{Database, Failure};
use super::schema::{NOW, millis, now, outbox};
use super::text_uuid::TextUuid;
use crate::hand_over::HandOver;
use crate::sql_buried_events::EventCount;
use crate::sql_outbox_table::OutboxTable;
use crate::sql_rows::StoredEvent;

/// [`Outbox`] in SQLite.
pub struct SqliteOutbox {
    database: Database,
    table: OutboxTable,
    hand_over: Arc<HandOver>,
    /// The longest wait that was asked for, in milliseconds.
    longest_wait: AtomicI64,
}

impl SqliteOutbox {
    /// Works on the outbox that [`super::SqliteUserRepository`] fills; with the same `hand_over` it
    /// gets the events of its own process without a query.
    pub fn new(database: Database, hand_over: Arc<HandOver>) -> Self {
        let longest_wait = AtomicI64::new(0);
        Self { database, table: OutboxTable::Bus, hand_over, longest_wait }
    }

    /// Works on the events for the webhook, with the second part of [`HandOver::with_webhook`].
    pub fn of_webhook(database: Database, hand_over: Arc<HandOver>) -> Self {
        Self { table: OutboxTable::Webhook, ..Self::new(database, hand_over) }
    }

    /// Makes every claimed event due at once. For the start of the only process that uses the file:
    /// an event that is claimed then was claimed by a process that died.
    pub async fn release_all(&self) -> Result<(), OutboxError> {
        let release = self.statement(
            "UPDATE {table} SET due_at = {now} WHERE failed_at IS NULL AND due_at > {now}",
        );
        self.update(release).await
    }

    /// A wait in milliseconds, noted.
    fn wait(&self, span: Duration) -> i64 {
        let wait = millis(span);
        self.longest_wait.fetch_max(wait, Ordering::Relaxed);
        wait
    }

    /// A statement on the table, which is in place of `{table}`, and with the time for `{now}`.
    fn statement(&self, text: &str) -> SqlQuery {
        sql_query(text.replace("{table}", self.table.name()).replace("{now}", NOW))
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

/// A claimed row.
#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: TextUuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    user_id: TextUuid,
    #[diesel(sql_type = Nullable<BigInt>)]
    code_number: Option<i64>,
    #[diesel(sql_type = Text)]
    traceparent: String,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
}

/// What is due in more than twice the longest wait was written before the wall clock was set back.
const CLAIM: &str = "
    UPDATE {table} SET due_at = {now} + ?, attempts = attempts + 1
    WHERE id IN (SELECT id FROM {table}
        WHERE failed_at IS NULL AND (due_at <= {now} OR due_at > {now} + 2 * ?)
            AND type IN (SELECT value FROM json_each(?))
        ORDER BY due_at, id LIMIT ?)
    RETURNING id, type AS kind, user_id, code_number, traceparent, attempts";

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

/// Adds events that were just recorded to those for the webhook, as due.
pub(super) fn record_for_webhook<'a>(
    connection: &mut SqliteConnection,
    events: impl IntoIterator<Item = &'a Event>,
) -> QueryResult<()> {
    for event in events {
        sql_query(
            "INSERT INTO webhook_outbox
                (id, type, user_id, code_number, traceparent, due_at, created_at)
            SELECT id, type, user_id, code_number, traceparent, created_at, created_at
            FROM outbox WHERE id = ?",
        )
        .bind::<Text, _>(TextUuid(*event.id.as_uuid()))
        .execute(connection)?;
    }
    Ok(())
}

/// A list of texts, as SQLite reads it.
pub(super) fn json_array(texts: impl IntoIterator<Item = impl Display>) -> String {
    let quoted: Vec<_> = texts.into_iter().map(|text| format!("\"{text}\"")).collect();
    format!("[{}]", quoted.join(","))
}

fn unavailable(failure: Failure) -> OutboxError {
    OutboxError(failure.into())
}

#[async_trait]
impl Outbox for SqliteOutbox {
    async fn claim(&self, limit: u32, lease: Duration) -> Result<Vec<OutboxEntry>, OutboxError> {
        let lease = self.wait(lease);
        let claim = self
            .statement(CLAIM)
            .bind::<BigInt, _>(lease)
            .bind::<BigInt, _>(self.longest_wait.load(Ordering::Relaxed))
            .bind::<Text, _>(json_array(UserEvent::TYPES))
            .bind::<BigInt, _>(i64::from(limit));
        let mut rows: Vec<Row> =
            self.database.write(|connection| claim.load(connection)).await.map_err(unavailable)?;
        rows.sort_by_key(|row| row.id.0);
        let mut entries = Vec::with_capacity(rows.len());
        for Row { id, kind, user_id, code_number, traceparent, attempts } in rows {
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
        let count = self
            .statement(
                "SELECT count(*) AS events FROM {table}
                WHERE failed_at IS NULL AND type NOT IN (SELECT value FROM json_each(?))",
            )
            .bind::<Text, _>(json_array(UserEvent::TYPES));
        let count: EventCount = self
            .database
            .write(|connection| count.get_result(connection))
            .await
            .map_err(unavailable)?;
        Ok(u64::try_from(count.events).unwrap_or(0))
    }

    async fn delete(&self, events: &[EventId]) -> Result<(), OutboxError> {
        let ids = json_array(events.iter().map(|event| *event.as_uuid()));
        let delete = self
            .statement("DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))")
            .bind::<Text, _>(ids);
        self.update(delete).await
    }

    async fn defer(&self, event: EventId, delay: Duration) -> Result<(), OutboxError> {
        let defer = self
            .statement("UPDATE {table} SET due_at = {now} + ? WHERE id = ?")
            .bind::<BigInt, _>(self.wait(delay))
            .bind::<Text, _>(TextUuid(*event.as_uuid()));
        self.update(defer).await
    }

    async fn bury(&self, event: EventId, reason: &str) -> Result<(), OutboxError> {
        let bury = self
            .statement("UPDATE {table} SET failed_at = {now}, failure = ? WHERE id = ?")
            .bind::<Text, _>(reason.to_owned())
            .bind::<Text, _>(TextUuid(*event.as_uuid()));
        self.update(bury).await
    }
}
