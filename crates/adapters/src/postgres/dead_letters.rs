//! The buried rows of the outbox: events that the broker will never accept.

use async_trait::async_trait;
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use domain::ports::{DeadLetter, DeadLetterError, DeadLetters};
use futures::FutureExt;

use super::database::Database;

const LIST: &str = "
    SELECT failure AS reason, jsonb_strip_nulls(jsonb_build_object(
        'id', id, 'type', type, 'user_id', user_id, 'code_number', code_number, 'traceparent', traceparent
    ))::text AS event
    FROM outbox WHERE failed_at IS NOT NULL ORDER BY id LIMIT $1";

const REPLAY: &str = "
    UPDATE outbox SET failed_at = NULL, failure = NULL, attempts = 0, due_at = clock_timestamp()
    WHERE failed_at IS NOT NULL";

/// [`DeadLetters`] over the outbox in PostgreSQL.
pub struct PostgresDeadLetters {
    database: Database,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    event: String,
    #[diesel(sql_type = Text)]
    reason: String,
}

impl PostgresDeadLetters {
    /// Works on the outbox that [`super::PostgresUserRepository`] fills.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl DeadLetters for PostgresDeadLetters {
    async fn list(&self, limit: u32) -> Result<Vec<DeadLetter>, DeadLetterError> {
        let list = sql_query(LIST).bind::<BigInt, _>(i64::from(limit));
        let rows: Vec<Row> = self
            .database
            .run(|connection| list.load(connection).boxed())
            .await
            .map_err(|failure| DeadLetterError(failure.into()))?;
        Ok(rows.into_iter().map(|Row { event, reason }| DeadLetter { event, reason }).collect())
    }

    async fn replay(&self) -> Result<u64, DeadLetterError> {
        let replayed = self
            .database
            .run(|connection| sql_query(REPLAY).execute(connection).boxed())
            .await
            .map_err(|failure| DeadLetterError(failure.into()))?;
        Ok(replayed as u64)
    }
}
