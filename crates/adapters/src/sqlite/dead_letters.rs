//! The buried rows of the outbox: events that can never be delivered.

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::sql_types::Text;
use diesel::{ExpressionMethods, NullableExpressionMethods, QueryDsl, RunQueryDsl};
use domain::ports::{DeadLetter, DeadLetterError, DeadLetters};

use super::database::{Database, Failure};
use super::schema::{now, outbox};

/// The row as JSON; the empty patch removes the members that are null.
const EVENT: &str = "json_patch('{}', json_object(
    'id', id, 'type', type, 'user_id', user_id, 'code_number', code_number, 'traceparent', traceparent))";

/// [`DeadLetters`] over the outbox in SQLite.
pub struct SqliteDeadLetters {
    database: Database,
}

impl SqliteDeadLetters {
    /// Works on the outbox that [`super::SqliteUserRepository`] fills.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

fn unavailable(failure: Failure) -> DeadLetterError {
    DeadLetterError(failure.into())
}

#[async_trait]
impl DeadLetters for SqliteDeadLetters {
    async fn list(&self, limit: u32) -> Result<Vec<DeadLetter>, DeadLetterError> {
        let query = outbox::table
            .filter(outbox::failed_at.is_not_null())
            .order(outbox::id)
            .limit(limit.into())
            .select((sql::<Text>(EVENT), outbox::failure.assume_not_null()));
        let rows: Vec<(String, String)> = self
            .database
            .read(move |connection| query.load(connection))
            .await
            .map_err(unavailable)?;
        Ok(rows.into_iter().map(|(event, reason)| DeadLetter { event, reason }).collect())
    }

    async fn replay(&self) -> Result<u64, DeadLetterError> {
        let statement =
            diesel::update(outbox::table.filter(outbox::failed_at.is_not_null())).set((
                outbox::failed_at.eq(None::<i64>),
                outbox::failure.eq(None::<String>),
                outbox::attempts.eq(0),
                outbox::due_at.eq(now()),
            ));
        let replay = self.database.write(|connection| statement.execute(connection));
        replay.await.map(|rows| rows as u64).map_err(unavailable)
    }
}
