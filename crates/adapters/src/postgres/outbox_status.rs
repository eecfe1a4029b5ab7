//! What the outbox in PostgreSQL holds.

use async_trait::async_trait;
use diesel::sql_query;
use diesel_async::RunQueryDsl;
use domain::ports::{OutboxError, OutboxMonitor, OutboxStatus};
use futures::FutureExt;

use super::database::Database;
use crate::sql_buried_events::sum_status;

const STATUS: &str = "
    SELECT type AS kind, failed_at IS NOT NULL AS is_buried, count(*) AS events,
        count(*) FILTER (WHERE due_at > now()) AS leased,
        extract(epoch FROM clock_timestamp() - min(created_at))::double precision AS oldest_age
    FROM outbox GROUP BY type, failed_at IS NOT NULL";

/// [`OutboxMonitor`] over the outbox in PostgreSQL.
pub struct PostgresOutboxMonitor {
    database: Database,
}

impl PostgresOutboxMonitor {
    /// Looks into the outbox that [`super::PostgresUserRepository`] fills.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl OutboxMonitor for PostgresOutboxMonitor {
    async fn status(&self) -> Result<OutboxStatus, OutboxError> {
        let query = self.database.run(|connection| sql_query(STATUS).load(connection).boxed());
        query.await.map(sum_status).map_err(|failure| OutboxError(failure.into()))
    }
}
