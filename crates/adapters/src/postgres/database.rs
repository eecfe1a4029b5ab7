//! The connection pool, and the only way to use a connection.

use std::sync::Arc;
use std::time::Duration;

use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::pooled_connection::deadpool::{Object, Pool, PoolError};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::timeout;
use tracing::Instrument;

use super::connector::{Connector, timeouts};
use super::options::{PostgresOptions, PostgresOptionsError};

/// A pool of connections. A clone is another handle to the same pool.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    wait_timeout: Duration,
    statement_timeout: Duration,
    /// What each transaction begins with, where a session cannot keep it.
    transaction_settings: Option<Arc<str>>,
}

/// How the connections of a pool are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// Connections that run an operation.
    pub used: usize,
    /// Open connections that wait for the next one.
    pub idle: usize,
    /// Operations that wait for a connection.
    pub pending: usize,
    /// How many connections there may be.
    pub max: usize,
}

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("no connection became free in time")]
    Exhausted,
    #[error("cannot connect to PostgreSQL: {0}")]
    Connect(#[source] PoolError),
    #[error("PostgreSQL refused: {0}")]
    Query(#[source] diesel::result::Error),
    #[error(
        "another client uses the same session: {0}; if the URL leads to a transaction pooler, set \
         postgres.transaction_pooling to true"
    )]
    SharedSession(#[source] diesel::result::Error),
    #[error(
        "the database schema is missing or older than this program; run `registration-api migrate`"
    )]
    OldSchema,
    #[error("PostgreSQL does not answer in time")]
    TimedOut,
    #[error("the operation panicked or was cancelled by the shutdown of the process")]
    Ended(#[source] tokio::task::JoinError),
    #[error("the statement panicked or was cancelled by the shutdown of the process")]
    Unanswered,
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        // Nobody but a pooler takes a statement away, or gives one that another client has named.
        match &error {
            Error::DatabaseError(_, information)
                if information.message().starts_with("prepared statement") =>
            {
                Self::SharedSession(error)
            }
            _ => Self::Query(error),
        }
    }
}

impl Database {
    /// Makes the pool. Connects to nothing yet, so that a service can start before its database.
    pub fn new(options: &PostgresOptions) -> Result<Self, PostgresOptionsError> {
        options.check()?;
        let connector = Arc::new(Connector::new(options)?);
        let statement_timeout = options.statement_timeout;
        let mut config = ManagerConfig::default();
        // A closed connection is recognised without a query.
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(move |_| {
            let connector = Arc::clone(&connector);
            async move { connector.connect(statement_timeout).await }.boxed()
        });
        // The connector has the URL: it, and the password in it, is kept in one place.
        let manager = AsyncDieselConnectionManager::new_with_config(String::new(), config);
        let pool = Pool::builder(manager)
            .max_size(options.pool_size)
            .build()
            .map_err(|_| PostgresOptionsError::PoolSize)?;
        let transaction_settings =
            options.transaction_pooling.then(|| timeouts("SET LOCAL", statement_timeout).into());
        Ok(Self {
            pool,
            wait_timeout: options.wait_timeout,
            statement_timeout,
            transaction_settings,
        })
    }

    /// How the connections are used now.
    pub fn pool_use(&self) -> PoolUse {
        let status = self.pool.status();
        let idle = status.available;
        let used = status.size.saturating_sub(idle);
        PoolUse { used, idle, pending: status.waiting, max: status.max_size }
    }

    /// Runs one statement to completion on a connection of the pool, even if the caller goes away.
    /// If it times out, the connection is closed: the server rolls back the transaction unless it
    /// had already been told to commit.
    pub(super) async fn run<T, F>(&self, statement: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, QueryResult<T>>
            + Send
            + 'static,
    {
        self.run_then(statement, |_| ()).await
    }

    /// The same, and calls `done` with the result as soon as the statement is committed.
    pub(super) async fn run_then<T, F, C>(&self, statement: F, done: C) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, QueryResult<T>>
            + Send
            + 'static,
        C: FnOnce(&T) + Send + 'static,
    {
        if self.transaction_settings.is_some() {
            return self.transact_then(statement, done).await;
        }
        self.perform(statement, done).await
    }

    /// The same with all of `work` in one transaction, which an error rolls back.
    pub(super) async fn transact<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, QueryResult<T>>
            + Send
            + 'static,
    {
        self.transact_then(work, |_| ()).await
    }

    /// The same, and calls `committed` with the result as soon as it is.
    pub(super) async fn transact_then<T, F, C>(&self, work: F, committed: C) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, QueryResult<T>>
            + Send
            + 'static,
        C: FnOnce(&T) + Send + 'static,
    {
        let settings = self.transaction_settings.clone();
        let in_transaction = self.perform(
            move |connection| {
                let transaction = connection.transaction(async move |connection| {
                    if let Some(settings) = settings {
                        connection.batch_execute(&settings).await?;
                    }
                    work(connection).await
                });
                transaction.boxed()
            },
            committed,
        );
        in_transaction.await
    }

    async fn perform<T, F, C>(&self, work: F, done: C) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, QueryResult<T>>
            + Send
            + 'static,
        C: FnOnce(&T) + Send + 'static,
    {
        let Self { pool, wait_timeout, statement_timeout, .. } = self.clone();
        let task = async move {
            let mut connection = timeout(wait_timeout, pool.get())
                .await
                .map_err(|_| Failure::Exhausted)?
                .map_err(Failure::Connect)?;
            let ended = timeout(statement_timeout, work(&mut connection)).await;
            let Ok(result) = ended else {
                drop(Object::take(connection));
                return Err(Failure::TimedOut);
            };
            if let Err(Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _)) = &result {
                tracing::warn!(
                    event = "postgres.read_only",
                    "PostgreSQL takes no writes; connecting again"
                );
                drop(Object::take(connection));
                // They lead to the same server. A new connection is made only where writes are
                // taken.
                pool.retain(|_, _| false);
            }
            let result = result?;
            done(&result);
            Ok(result)
        };
        tokio::spawn(task.in_current_span()).await.map_err(Failure::Ended)?
    }
}
