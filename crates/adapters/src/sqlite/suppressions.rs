//! The addresses that are not mailed, in SQLite.

use async_trait::async_trait;
use diesel::connection::Connection;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use domain::EmailAddress;
use domain::ports::{RepositoryError, Suppression, Suppressions};

use super::database::Database;
use super::schema::{now, suppressions, to_system_time};
use super::user_repository::unavailable;
use crate::sql_rows::read_suppression;

type Row = (String, i64);

fn read(row: Row) -> Suppression {
    read_suppression(row, to_system_time)
}

/// [`Suppressions`] in SQLite.
pub struct SqliteSuppressions {
    database: Database,
}

impl SqliteSuppressions {
    /// The suppressions of the users in the same database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Suppressions for SqliteSuppressions {
    async fn find(&self, email: &EmailAddress) -> Result<Option<Suppression>, RepositoryError> {
        let query = suppressions::table.find(email.lookup_key());
        let row = self.database.read(move |connection| query.first::<Row>(connection).optional());
        Ok(row.await.map_err(unavailable)?.map(read))
    }

    async fn add(&self, email: &EmailAddress) -> Result<bool, RepositoryError> {
        let statement = diesel::insert_or_ignore_into(suppressions::table).values((
            suppressions::email_key.eq(email.lookup_key()),
            suppressions::since.eq(now()),
        ));
        let added = self.database.write(move |connection| statement.execute(connection));
        Ok(added.await.map_err(unavailable)? > 0)
    }

    async fn remove(&self, email: &EmailAddress) -> Result<bool, RepositoryError> {
        let statement = diesel::delete(suppressions::table.find(email.lookup_key()));
        let removed =
            self.database.write(move |connection| connection.execute_returning_count(&statement));
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
        let rows = self.database.read(move |connection| query.load::<Row>(connection));
        Ok(rows.await.map_err(unavailable)?.into_iter().map(read).collect())
    }
}
