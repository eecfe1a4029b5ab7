//! Users in SQLite.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::sqlite::Sqlite;
use diesel::upsert::excluded;
use diesel::{
    BoolExpressionMethods, Connection, ExpressionMethods, NullableExpressionMethods,
    OptionalExtension, QueryDsl, RunQueryDsl, SqliteConnection,
};
use domain::ports::{ClaimError, PurgeAges, Purged, RepositoryError, SaveError, UserRepository};
use domain::{CodeIssue, EmailAddress, Event, PasswordHash, User, UserId};

use super::database::{Database, Failure};
use super::outbox::{record, record_for_webhook};
use super::probe::probe;
use super::purge::purge;
use super::schema::{millis, now, users};
use super::text_uuid::TextUuid;
use crate::database_span::{Operation, database_span};
use crate::hand_over::{HandOver, Recording};
use crate::sql_rows::{StoredEvent, UserRow, read_user, stored_languages, user_row};

/// What OpenTelemetry calls it.
pub(super) const SYSTEM: &str = "sqlite";

/// [`UserRepository`] in SQLite.
pub struct SqliteUserRepository {
    pub(super) database: Database,
    pub(super) hand_over: Arc<HandOver>,
}

impl SqliteUserRepository {
    /// Hands events over to the relay of this process, which has the same `hand_over`.
    pub fn new(database: Database, hand_over: Arc<HandOver>) -> Self {
        Self { database, hand_over }
    }

    /// Runs a statement and, if it changed a row, records the events in the same transaction.
    /// Returns whether it did.
    async fn change<Q>(
        &self,
        operation: Operation,
        statement: Q,
        events: &[Event],
    ) -> Result<bool, RepositoryError>
    where
        Q: QueryFragment<Sqlite> + QueryId + Send + 'static,
    {
        let recording = self.hand_over.prepare(events.to_vec());
        let work = move |connection: &mut SqliteConnection| {
            if connection.execute_returning_count(&statement)? == 0 {
                return Ok(None);
            }
            let events = recording.events().iter().map(StoredEvent::from);
            record(connection, events, recording.lease())?;
            record_for_webhook(connection, recording.for_webhook())?;
            Ok(Some(recording))
        };
        let committed =
            |recording: Option<Recording>| recording.map(Recording::committed).is_some();
        let change = self.database.write_then(work, committed);
        database_span(SYSTEM, operation).run(change).await.map_err(unavailable)
    }
}

pub(super) fn unavailable(failure: Failure) -> RepositoryError {
    RepositoryError::Unavailable(failure.into())
}

#[async_trait]
impl UserRepository for SqliteUserRepository {
    async fn claim(&self, user: &User, events: &[Event]) -> Result<(), ClaimError> {
        // The condition of an upsert is not part of `QueryDsl`.
        use diesel::query_dsl::methods::FilterDsl as _;

        let statement = diesel::insert_into(users::table)
            .values((
                users::id.eq(TextUuid(*user.id().as_uuid())),
                users::email.eq(user.email().as_str().to_owned()),
                users::email_key.eq(user.email().lookup_key()),
                users::password_hash.eq(user.password_hash().as_phc().to_owned()),
                users::code_number.eq(i64::from(user.issue().number)),
                users::code_requested_at.eq(now()),
                users::languages.eq(stored_languages(user)),
            ))
            .on_conflict(users::email_key)
            .do_update()
            .set((
                users::id.eq(excluded(users::id)),
                users::email.eq(excluded(users::email)),
                users::password_hash.eq(excluded(users::password_hash)),
                users::code_number.eq(excluded(users::code_number)),
                users::code_expires_at.eq(None::<i64>),
                users::repetition_noted_at.eq(None::<i64>),
                users::code_requested_at.eq(excluded(users::code_requested_at)),
                users::languages.eq(excluded(users::languages)),
            ))
            .filter(users::activated_at.is_null())
            .filter(users::code_expires_at.le(now().nullable()));
        let changed = self.change(Operation::Insert, statement, events).await?;
        changed.then_some(()).ok_or(ClaimError::EmailTaken)
    }

    async fn find_by_email(&self, email: &EmailAddress) -> Result<Option<User>, RepositoryError> {
        let query =
            users::table.filter(users::email_key.eq(email.lookup_key())).select(user_row!());
        let found = self.database.read(move |connection| query.first(connection).optional());
        let found = database_span(SYSTEM, Operation::Select).run(found).await;
        let row: Option<UserRow<TextUuid>> = found.map_err(unavailable)?;
        row.map(read_user).transpose()
    }

    async fn find(&self, id: UserId) -> Result<Option<User>, RepositoryError> {
        let query = users::table.find(TextUuid(*id.as_uuid())).select(user_row!());
        let found = self.database.read(move |connection| query.first(connection).optional());
        let found = database_span(SYSTEM, Operation::Select).run(found).await;
        let row: Option<UserRow<TextUuid>> = found.map_err(unavailable)?;
        row.map(read_user).transpose()
    }

    async fn save(
        &self,
        user: &User,
        expected: CodeIssue,
        events: &[Event],
    ) -> Result<(), SaveError> {
        let has_new_code = user.issue().number != expected.number;
        let statement = diesel::update(users::table)
            .filter(users::id.eq(TextUuid(*expected.user_id.as_uuid())))
            .filter(users::code_number.eq(i64::from(expected.number)))
            .filter(users::activated_at.is_null())
            .set((
                users::code_number.eq(i64::from(user.issue().number)),
                has_new_code.then(|| {
                    let not_mailed = users::code_expires_at.eq(None::<i64>);
                    let languages = users::languages.eq(stored_languages(user));
                    (not_mailed, users::code_requested_at.eq(now()), languages)
                }),
                user.is_active().then(|| users::activated_at.eq(now().nullable())),
            ));
        let changed = self.change(Operation::Update, statement, events).await?;
        changed.then_some(()).ok_or(SaveError::Stale)
    }

    async fn hold_address(
        &self,
        issue: CodeIssue,
        duration: Duration,
    ) -> Result<(), RepositoryError> {
        let statement = diesel::update(users::table)
            .filter(users::id.eq(TextUuid(*issue.user_id.as_uuid())))
            .filter(users::code_number.eq(i64::from(issue.number)))
            .filter(users::activated_at.is_null())
            .set(users::code_expires_at.eq((now() + millis(duration)).nullable()));
        self.change(Operation::Update, statement, &[]).await.map(drop)
    }

    async fn release_address(&self, issue: CodeIssue) -> Result<(), RepositoryError> {
        self.hold_address(issue, Duration::ZERO).await
    }

    async fn upgrade_password_hash(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<(), RepositoryError> {
        let statement = diesel::update(users::table)
            .filter(users::id.eq(TextUuid(*id.as_uuid())))
            .filter(users::password_hash.eq(old.as_phc().to_owned()))
            .set(users::password_hash.eq(new.as_phc().to_owned()));
        self.change(Operation::Update, statement, &[]).await.map(drop)
    }

    async fn record_repeated_registration(
        &self,
        id: UserId,
        at_most_every: Duration,
        event: &Event,
    ) -> Result<bool, RepositoryError> {
        let noted_before = (now() - millis(at_most_every)).nullable();
        let statement = diesel::update(users::table)
            .filter(users::id.eq(TextUuid(*id.as_uuid())))
            .filter(users::activated_at.is_not_null())
            .filter(
                users::repetition_noted_at
                    .is_null()
                    .or(users::repetition_noted_at.le(noted_before)),
            )
            .set(users::repetition_noted_at.eq(now().nullable()));
        self.change(Operation::Update, statement, std::slice::from_ref(event)).await
    }

    async fn purge_unverified(
        &self,
        ages: PurgeAges,
        limit: u32,
    ) -> Result<Purged, RepositoryError> {
        purge(&self.database, ages, limit).await.map_err(unavailable)
    }

    async fn ping(&self) -> Result<(), RepositoryError> {
        probe(&self.database).await.map_err(unavailable)
    }
}
