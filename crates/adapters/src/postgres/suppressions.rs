//! The addresses that are not mailed, in PostgreSQL.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::pg::data_types::PgTimestamp;
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::EmailAddress;
use domain::ports::{RepositoryError, Suppression, Suppressions};
use futures::FutureExt;

use super::database::Database;
use super::gathering::Gathering;
use super::schema::suppressions;
use super::system_time::to_system_time;
use super::user_repository::{SYSTEM, unavailable};
use super::user_statements::FINDING;
use crate::database_span::{Operation, database_span};
use crate::sql_rows::read_suppression;

type Row = (String, PgTimestamp);

fn read(row: Row) -> Suppression {
    read_suppression(row, to_system_time)
}

/// [`Suppressions`] in PostgreSQL.
pub struct PostgresSuppressions {
    database: Database,
    find: Arc<FindSuppressions>,
}

/// Finds suppressions by the keys of their addresses.
type FindSuppressions = Gathering<String, Option<Row>>;

fn find_suppressions(database: Database) -> Arc<FindSuppressions> {
    Gathering::new(FINDING, move |keys: Vec<String>| {
        let database = database.clone();
        async move {
            let query = suppressions::table.filter(suppressions::email_key.eq_any(keys.clone()));
            let rows: Vec<Row> =
                database.run(move |connection| query.load(connection).boxed()).await?;
            let of_key = |key: &String| rows.iter().find(|(found, _)| found == key).cloned();
            Ok(keys.iter().map(of_key).collect())
        }
        .boxed()
    })
}

impl PostgresSuppressions {
    /// The suppressions of the users in the same database.
    pub fn new(database: Database) -> Self {
        let find = find_suppressions(database.clone());
        Self { database, find }
    }
}

#[async_trait]
impl Suppressions for PostgresSuppressions {
    async fn find(&self, email: &EmailAddress) -> Result<Option<Suppression>, RepositoryError> {
        let span = database_span(SYSTEM, Operation::Select);
        let row = span.run(self.find.ask(email.lookup_key())).await.map_err(unavailable)?;
        Ok(row.map(read))
    }

    async fn add(&self, email: &EmailAddress) -> Result<bool, RepositoryError> {
        let statement = diesel::insert_into(suppressions::table)
            .values(suppressions::email_key.eq(email.lookup_key()))
            .on_conflict_do_nothing();
        let added = self.database.run(move |connection| statement.execute(connection).boxed());
        Ok(added.await.map_err(unavailable)? > 0)
    }

    async fn remove(&self, email: &EmailAddress) -> Result<bool, RepositoryError> {
        let statement = diesel::delete(suppressions::table.find(email.lookup_key()));
        let removed = self.database.run(move |connection| statement.execute(connection).boxed());
        Ok(removed.await.map_err(unavailable)? > 0)
    }

    async fn page(
        &self,
        after: Option<&EmailAddress>,
        limit: u32,
    ) -> Result<Vec<Suppression>, RepositoryError> {
        let after = after.map(EmailAddress::lookup_key).unwrap_or_default();
        let query = suppressions::table
            .filter(suppressions::email_key.gt(after))
            .order(suppressions::email_key)
            .limit(limit.into());
        let rows = self.database.run(move |connection| query.load::<Row>(connection).boxed());
        Ok(rows.await.map_err(unavailable)?.into_iter().map(read).collect())
    }
}
