//! What the benchmark itself asks PostgreSQL.

use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

use crate::error::BenchError;

/// A connection of its own.
pub struct Database {
    runtime: Runtime,
    client: Client,
}

impl Database {
    pub(super) fn connect(url: &str) -> Result<Self, BenchError> {
        // The second thread drives the connection.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(BenchError::io("start a runtime"))?;
        let (client, connection) = runtime.block_on(tokio_postgres::connect(url, NoTls))?;
        runtime.spawn(connection);
        Ok(Self { runtime, client })
    }

    /// The single number that a query gives.
    pub fn number(&self, query: &str) -> Result<i64, BenchError> {
        Ok(self.runtime.block_on(self.client.query_one(query, &[]))?.get(0))
    }

    /// Runs statements.
    pub fn execute(&self, statements: &str) -> Result<(), BenchError> {
        Ok(self.runtime.block_on(self.client.batch_execute(statements))?)
    }

    /// Adds users that were activated long ago to the `present` ones, until there are `size`.
    pub(super) fn add_users(&self, present: u32, size: u32) -> Result<(), BenchError> {
        let first = present + 1;
        self.execute(&format!(
            "INSERT INTO users (id, email, email_key, password_hash, code_number, activated_at)
             SELECT gen_random_uuid(), key, key, '$argon2id$v=19$m=19456,t=2,p=1$' || repeat('x', 66), 1,
                    clock_timestamp()
             FROM (SELECT 'filler' || n || '@bench.example' AS key
                   FROM generate_series({first}, {size}) AS n) AS keys"
        ))?;
        // What the server would do by itself in the minutes after, it does now.
        self.execute("VACUUM ANALYZE users")?;
        self.execute("CHECKPOINT")
    }
}
