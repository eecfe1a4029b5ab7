//! What the outbox in SQLite holds.

use async_trait::async_trait;
use diesel::{RunQueryDsl, sql_query};
use domain::ports::{OutboxError, OutboxMonitor, OutboxStatus};

use super::database::Database;
use crate::sql_buried_events::sum_status;
use crate::sql_outbox_table::OutboxTable;

/// Of the table in place of `{table}`.
const STATUS: &str = "
    WITH clock AS (SELECT unixepoch('subsec') * 1000 AS now)
    SELECT type AS kind, failed_at IS NOT NULL AS is_buried, count(*) AS events,
        count(*) FILTER (WHERE due_at > now) AS leased,
        (max(now) - min(created_at)) / 1000.0 AS oldest_age
    FROM {table}, clock GROUP BY type, failed_at IS NOT NULL";

/// [`OutboxMonitor`] over the outbox in SQLite.
pub struct SqliteOutboxMonitor {
    database: Database,
    table: OutboxTable,
}

impl SqliteOutboxMonitor {
    /// Looks into the outbox that [`super::SqliteUserRepository`] fills.
    pub fn new(database: Database) -> Self {
        Self { database, table: OutboxTable::Bus }
    }

    /// Looks into the events for the webhook.
    pub fn of_webhook(database: Database) -> Self {
        Self { database, table: OutboxTable::Webhook }
    }
}

#[async_trait]
impl OutboxMonitor for SqliteOutboxMonitor {
    async fn status(&self) -> Result<OutboxStatus, OutboxError> {
        let query = sql_query(STATUS.replace("{table}", self.table.name()));
        let query = self.database.read(|connection| query.load(connection));
        query.await.map(sum_status).map_err(|failure| OutboxError(failure.into()))
    }
}
