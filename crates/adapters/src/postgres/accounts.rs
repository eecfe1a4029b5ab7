//! Accounts in PostgreSQL.

use async_trait::async_trait;
use diesel::pg::data_types::PgTimestamp;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::ports::{Accounts, RepositoryError};
use domain::{Account, AccountRecord, EmailAddress, Event, UserId};
use futures::FutureExt;
use uuid::Uuid;

use super::schema::{suppressions, users};
use super::system_time::to_system_time;
use super::user_repository::{PostgresUserRepository, SYSTEM, unavailable};
use super::with_events::WithEvents;
use crate::database_span::{Operation, database_span};
use crate::sql_rows::{AccountRow, RecordRow, read_account, read_record};

type Row = AccountRow<Uuid, PgTimestamp>;
type Record = RecordRow<Uuid, PgTimestamp>;

const COLUMNS: (users::id, users::email, users::activated_at) =
    (users::id, users::email, users::activated_at);

fn read(row: Row) -> Account {
    read_account(row, to_system_time)
}

#[async_trait]
impl Accounts for PostgresUserRepository {
    async fn find(&self, id: UserId) -> Result<Option<Account>, RepositoryError> {
        let query = users::table.find(*id.as_uuid()).select(COLUMNS);
        let row = self.database.run(move |connection| {
            async move { query.first::<Row>(connection).await.optional() }.boxed()
        });
        let row = database_span(SYSTEM, Operation::Select).run(row).await;
        Ok(row.map_err(unavailable)?.map(read))
    }

    async fn find_by_email(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<Account>, RepositoryError> {
        let query = users::table.filter(users::email_key.eq(email.lookup_key())).select(COLUMNS);
        let row = self.database.run(move |connection| {
            async move { query.first::<Row>(connection).await.optional() }.boxed()
        });
        let row = database_span(SYSTEM, Operation::Select).run(row).await;
        Ok(row.map_err(unavailable)?.map(read))
    }

    async fn page(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<Account>, RepositoryError> {
        let after = after.map_or(Uuid::nil(), |id| *id.as_uuid());
        let query = users::table
            .filter(users::id.gt(after))
            .order(users::id)
            .limit(limit.into())
            .select(COLUMNS);
        let rows = self.database.run(move |connection| query.load::<Row>(connection).boxed());
        Ok(rows.await.map_err(unavailable)?.into_iter().map(read).collect())
    }

    async fn record(&self, id: UserId) -> Result<Option<AccountRecord>, RepositoryError> {
        let query = users::table.find(*id.as_uuid()).select((
            COLUMNS,
            users::code_number,
            users::code_requested_at,
            users::code_expires_at,
            users::repetition_noted_at,
        ));
        let row = self.database.run(move |connection| {
            async move { query.first::<Record>(connection).await.optional() }.boxed()
        });
        let record = row.await.map_err(unavailable)?;
        record.map(|row| read_record(row, to_system_time)).transpose()
    }

    async fn renew_guesses(&self, id: UserId) -> Result<bool, RepositoryError> {
        let statement = diesel::update(users::table.find(*id.as_uuid()))
            .set(users::guesses_renewed.eq(users::guesses_renewed + 1));
        let renewed = self.database.run(move |connection| statement.execute(connection).boxed());
        Ok(renewed.await.map_err(unavailable)? > 0)
    }

    async fn delete(&self, id: UserId, event: &Event) -> Result<bool, RepositoryError> {
        let user = users::table.find(*id.as_uuid());
        let addresses = user.select(users::email_key);
        let suppression =
            diesel::delete(suppressions::table.filter(suppressions::email_key.eq_any(addresses)));
        let recording = self.hand_over.prepare(vec![event.clone()]);
        let deletion =
            WithEvents::<_, true>::new(diesel::delete(user), [(id.as_uuid(), &recording)]);
        let deleted = self.database.transact_then(
            |connection| {
                async move {
                    suppression.execute(connection).await?;
                    deletion.execute(connection).await
                }
                .boxed()
            },
            move |deleted| {
                if *deleted > 0 {
                    recording.committed();
                }
            },
        );
        let deleted = database_span(SYSTEM, Operation::Delete).run(deleted).await;
        Ok(deleted.map_err(unavailable)? > 0)
    }
}
