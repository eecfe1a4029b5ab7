//! The buried rows of the outboxes: events that the broker, or the webhook, will never accept.

use std::ops::ControlFlow;

use async_trait::async_trait;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::ports::{
    DeadLetterAction, DeadLetterError, DeadLetterSelection, DeadLetterVisitor, DeadLetters,
};
use futures::FutureExt;
use uuid::Uuid;

use super::database::Database;
use crate::sql_buried_events::{BuriedEvent, PAGE_SIZE, before_the_first, unix_millis, visit_page};
use crate::sql_outbox_table::OutboxTable;

/// The page of selected rows that comes after a row. Here and below, `{table}` is one of the tables.
const CHOOSE: &str = "
    SELECT id, type AS kind, failure AS reason, attempts,
        floor(extract(epoch FROM failed_at) * 1000)::bigint AS failed_at,
        jsonb_strip_nulls(jsonb_build_object('id', id, 'type', type, 'user_id', user_id,
            'code_number', code_number, 'traceparent', traceparent{member}))::text AS event
    FROM {table}
    WHERE failed_at IS NOT NULL AND id > $1::uuid
        AND (cardinality($2) = 0 OR id = ANY($2))
        AND ($3 IS NULL OR strpos(failure, $3) > 0)
        AND ($4 IS NULL OR failed_at >= to_timestamp($4 / 1000.0))
    ORDER BY id LIMIT $5";

/// Rows that another command is working on are its own.
const LOCK: &str = "FOR UPDATE SKIP LOCKED";

const REPLAY: &str = "
    UPDATE {table} AS event
    SET failed_at = NULL, failure = NULL, attempts = 0, due_at = clock_timestamp()
    FROM chosen WHERE event.id = chosen.id";

const DISCARD: &str = "DELETE FROM {table} AS event USING chosen WHERE event.id = chosen.id";

/// [`DeadLetters`] over the outbox in PostgreSQL.
pub struct PostgresDeadLetters {
    database: Database,
}

impl PostgresDeadLetters {
    /// Works on the outbox that [`super::PostgresUserRepository`] fills.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Does it to one page, in one statement, and returns the rows as they were.
    async fn act_on_page(
        &self,
        table: OutboxTable,
        action: DeadLetterAction,
        selection: &DeadLetterSelection,
        after: String,
    ) -> Result<Vec<BuriedEvent>, DeadLetterError> {
        let ids: Vec<Uuid> = selection.ids.iter().map(|id| *id.as_uuid()).collect();
        let query = sql_query(statement(table, action))
            .bind::<Text, _>(after)
            .bind::<Array<SqlUuid>, _>(ids)
            .bind::<Nullable<Text>, _>(selection.reason.clone())
            .bind::<Nullable<BigInt>, _>(selection.since.map(unix_millis))
            .bind::<BigInt, _>(i64::from(PAGE_SIZE));
        self.database
            .run(|connection| query.load(connection).boxed())
            .await
            .map_err(|failure| DeadLetterError(failure.into()))
    }
}

fn statement(table: OutboxTable, action: DeadLetterAction) -> String {
    let chosen = match action {
        DeadLetterAction::List => format!("chosen AS ({CHOOSE})"),
        DeadLetterAction::Replay => {
            format!("chosen AS MATERIALIZED ({CHOOSE} {LOCK}), replayed AS ({REPLAY})")
        }
        DeadLetterAction::Discard => {
            format!("chosen AS MATERIALIZED ({CHOOSE} {LOCK}), discarded AS ({DISCARD})")
        }
    };
    let statement = format!(
        "WITH {chosen} SELECT id::text, kind, reason, failed_at, attempts, event FROM chosen
         ORDER BY chosen.id"
    );
    statement.replace("{table}", table.name()).replace("{member}", table.json_member())
}

#[async_trait]
impl DeadLetters for PostgresDeadLetters {
    async fn apply(
        &self,
        action: DeadLetterAction,
        selection: &DeadLetterSelection,
        visit: &mut DeadLetterVisitor<'_>,
    ) -> Result<(), DeadLetterError> {
        for table in OutboxTable::ALL {
            let mut after = Some(before_the_first());
            while let Some(key) = after {
                let page = self.act_on_page(table, action, selection, key).await?;
                match visit_page(page, visit) {
                    ControlFlow::Continue(next) => after = next,
                    ControlFlow::Break(()) => return Ok(()),
                }
            }
        }
        Ok(())
    }
}
