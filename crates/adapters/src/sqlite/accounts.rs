//! Accounts in SQLite.

use async_trait::async_trait;
use diesel::connection::Connection;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, SqliteConnection};
use domain::ports::{Accounts, RepositoryError};
use domain::{Account, AccountRecord, EmailAddress, ErrorChain, Event, UserId};
use uuid::Uuid;

use super::outbox::{record, record_for_webhook};
use super::schema::{suppressions, to_system_time, users};
use super::text_uuid::TextUuid;
use super::user_repository::{SYSTEM, SqliteUserRepository, unavailable};
use crate::database_span::{Operation, database_span};
use crate::hand_over::Recording;
use crate::sql_rows::{AccountRow, RecordRow, StoredEvent, read_account, read_record};

type Row = AccountRow<TextUuid, i64>;
type Record = RecordRow<TextUuid, i64>;

const COLUMNS: (users::id, users::email, users::activated_at) =
    (users::id, users::email, users::activated_at);

fn read(row: Row) -> Account {
    read_account(row, to_system_time)
}

#[async_trait]
impl Accounts for SqliteUserRepository {
    async fn find(&self, id: UserId) -> Result<Option<Account>, RepositoryError> {
        let query = users::table.find(TextUuid(*id.as_uuid())).select(COLUMNS);
        let row = self.database.read(move |connection| query.first::<Row>(connection).optional());
        let row = database_span(SYSTEM, Operation::Select).run(row).await;
        Ok(row.map_err(unavailable)?.map(read))
    }

    async fn find_by_email(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<Account>, RepositoryError> {
        let query = users::table.filter(users::email_key.eq(email.lookup_key())).select(COLUMNS);
        let row = self.database.read(move |connection| query.first::<Row>(connection).optional());
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
            .filter(users::id.gt(TextUuid(after)))
            .order(users::id)
            .limit(limit.into())
            .select(COLUMNS);
        let rows = self.database.read(move |connection| query.load::<Row>(connection));
        Ok(rows.await.map_err(unavailable)?.into_iter().map(read).collect())
    }

    async fn record(&self, id: UserId) -> Result<Option<AccountRecord>, RepositoryError> {
        let query = users::table.find(TextUuid(*id.as_uuid())).select((
            COLUMNS,
            users::code_number,
            users::code_requested_at,
            users::code_expires_at,
            users::repetition_noted_at,
        ));
        let row =
            self.database.read(move |connection| query.first::<Record>(connection).optional());
        let record = row.await.map_err(unavailable)?;
        record.map(|row| read_record(row, to_system_time)).transpose()
    }

    async fn renew_guesses(&self, id: UserId) -> Result<bool, RepositoryError> {
        let statement = diesel::update(users::table.find(TextUuid(*id.as_uuid())))
            .set(users::guesses_renewed.eq(users::guesses_renewed + 1));
        let renewed =
            self.database.write(move |connection| connection.execute_returning_count(&statement));
        Ok(renewed.await.map_err(unavailable)? > 0)
    }

    async fn delete(&self, id: UserId, event: &Event) -> Result<bool, RepositoryError> {
        let recording = self.hand_over.prepare(vec![event.clone()]);
        let work = move |connection: &mut SqliteConnection| {
            let user = users::table.find(TextUuid(*id.as_uuid()));
            let addresses = user.select(users::email_key);
            let suppression = suppressions::table.filter(suppressions::email_key.eq_any(addresses));
            connection.execute_returning_count(&diesel::delete(suppression))?;
            if connection.execute_returning_count(&diesel::delete(user))? == 0 {
                return Ok(None);
            }
            let events = recording.events().iter().map(StoredEvent::from);
            record(connection, events, recording.lease())?;
            record_for_webhook(connection, recording.for_webhook())?;
            Ok(Some(recording))
        };
        let committed =
            |recording: Option<Recording>| recording.map(Recording::committed).is_some();
        let deleted = self.database.write_then(work, committed);
        let deleted = database_span(SYSTEM, Operation::Delete).run(deleted).await;
        let deleted = deleted.map_err(unavailable)?;
        if deleted && let Err(error) = self.database.empty_log().await {
            let error = ErrorChain(&error);
            tracing::warn!(event = "sqlite.log_kept", %error, "what was deleted stays in the write-ahead log for now");
        }
        Ok(deleted)
    }
}
