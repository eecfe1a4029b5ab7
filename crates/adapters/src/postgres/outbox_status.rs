//! What the outbox in PostgreSQL holds.

use async_trait::async_trait;
use diesel::sql_query;
use diesel_async::RunQueryDsl;
use domain::ports::{OutboxError, OutboxMonitor, OutboxStatus};
use futures::FutureExt;

use super::database::Database;
use crate::sql_buried_events::sum_status;
use crate::sql_outbox_table::OutboxTable;

/// Of the table in place of `{table}`.
const STATUS: &str = "
    SELECT type AS kind, failed_at IS NOT NULL AS is_buried, count(*) AS events,
        count(*) FILTER (WHERE due_at > now()) AS leased,
        extract(epoch FROM clock_timestamp() - min(created_at))::double precision AS oldest_age
    FROM {table} GROUP BY type, failed_at IS NOT NULL";

/// [`OutboxMonitor`] over the outbox in PostgreSQL.
pub struct PostgresOutboxMonitor {
    database: Database,
    table: OutboxTable,
}

impl PostgresOutboxMonitor {
    /// Looks into the outbox that [`super::PostgresUserRepository`] fills.
    pub fn new(database: Database) -> Self {
        Self { database, table: OutboxTable::Bus }
    }

    /// Looks into the events for the webhook.
    pub fn of_webhook(database: Database) -> Self {
        Self { database, table: OutboxTable::Webhook }
    }
}

#[async_trait]
impl OutboxMonitor for PostgresOutboxMonitor {
    async fn status(&self) -> Result<OutboxStatus, OutboxError> {
        let query = sql_query(STATUS.replace("{table}", self.table.name()));
        let query = self.database.run(|connection| query.load(connection).boxed());
        query.await.map(sum_status).map_err(|failure| OutboxError(failure.into()))
    }
}
