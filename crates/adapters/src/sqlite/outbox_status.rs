//! What the outbox in SQLite holds.

use async_trait::async_trait;
use diesel::{RunQueryDsl, sql_query};
use domain::ports::{OutboxError, OutboxMonitor, OutboxStatus};

use super::database::Database;
use crate::sql_buried_events::sum_status;

const STATUS: &str = "
    WITH clock AS (SELECT unixepoch('subsec') * 1000 AS now)
    SELECT type AS kind, failed_at IS NOT NULL AS is_buried, count(*) AS events,
        count(*) FILTER (WHERE due_at > now) AS leased,
        (max(now) - min(created_at)) / 1000.0 AS oldest_age
    FROM outbox, clock GROUP BY type, failed_at IS NOT NULL";

/// [`OutboxMonitor`] over the outbox in SQLite.
pub struct SqliteOutboxMonitor {
    database: Database,
}

impl SqliteOutboxMonitor {
    /// Looks into the outbox that [`super::SqliteUserRepository`] fills.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl OutboxMonitor for SqliteOutboxMonitor {
    async fn status(&self) -> Result<OutboxStatus, OutboxError> {
        let query = self.database.read(|connection| sql_query(STATUS).load(connection));
        query.await.map(sum_status).map_err(|failure| OutboxError(failure.into()))
    }
}
