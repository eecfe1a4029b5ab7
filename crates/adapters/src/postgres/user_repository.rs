//! Users in PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use diesel::pg::Pg;
use diesel::pg::data_types::PgTimestamp;
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, OptionalExtension,
    QueryDsl,
};
use diesel_async::RunQueryDsl;
use domain::ports::{
    ClaimError, PurgeAges, Purged, RepositoryError, SaveError, Source, UserRepository,
};
use domain::{CodeIssue, EmailAddress, Event, PasswordHash, User, UserId};
use futures::FutureExt;
use uuid::Uuid;

use super::claims::{Claim, ClaimAddresses, claim_addresses};
use super::database::Database;
use super::outbox::interval;
use super::probe::probe;
use super::purge::purge;
use super::schema::{clock_timestamp, num_nulls, users};
use super::user_statements::{FindUsers, HoldAddresses, find_users, hold_addresses};
use super::with_events::WithEvents;
use crate::database_span::{Operation, database_span};
use crate::hand_over::{HandOver, Recording};
use crate::sql_rows::{UserRow, read_user, stored_languages, user_row};

/// What OpenTelemetry calls it.
pub(super) const SYSTEM: &str = "postgresql";

/// [`UserRepository`] in PostgreSQL.
pub struct PostgresUserRepository {
    pub(super) database: Database,
    pub(super) hand_over: Arc<HandOver>,
    claim: Arc<ClaimAddresses>,
    find: Arc<FindUsers>,
    hold: Arc<HoldAddresses>,
}

impl PostgresUserRepository {
    /// Hands events over to the relay of this process, which has the same `hand_over`.
    pub fn new(database: Database, hand_over: Arc<HandOver>) -> Self {
        let claim = claim_addresses(database.clone());
        let (find, hold) = (find_users(database.clone()), hold_addresses(database.clone()));
        Self { database, hand_over, claim, find, hold }
    }

    /// Runs a statement and, if it changed the row of this user, records the events with it. Returns
    /// whether it did.
    async fn change<Q>(
        &self,
        id: UserId,
        statement: Q,
        events: &[Event],
    ) -> Result<bool, RepositoryError>
    where
        Q: QueryFragment<Pg> + QueryId + Send + 'static,
        Q::QueryId: 'static,
    {
        let span = database_span(SYSTEM, Operation::Update);
        let recording = self.hand_over.prepare(events.to_vec());
        if recording.for_webhook().next().is_some() {
            let statement = WithEvents::<_, true>::new(statement, [(id.as_uuid(), &recording)]);
            span.run(self.execute(statement, recording)).await
        } else {
            let statement = WithEvents::<_, false>::new(statement, [(id.as_uuid(), &recording)]);
            span.run(self.execute(statement, recording)).await
        }
    }

    async fn execute<Q>(&self, statement: Q, recording: Recording) -> Result<bool, RepositoryError>
    where
        Q: QueryFragment<Pg> + QueryId + Send + 'static,
    {
        let change = self.database.run_then(
            |connection| statement.execute(connection).boxed(),
            move |changed| {
                if *changed > 0 {
                    recording.committed();
                }
            },
        );
        Ok(change.await.map_err(unavailable)? > 0)
    }

    /// Runs one statement, which is a transaction by itself.
    async fn update<Q>(&self, statement: Q) -> Result<(), RepositoryError>
    where
        Q: QueryFragment<Pg> + QueryId + Send + 'static,
    {
        let work = self.database.run(|connection| statement.execute(connection).boxed());
        database_span(SYSTEM, Operation::Update).run(work).await.map(drop).map_err(unavailable)
    }
}

pub(super) fn unavailable(failure: impl Into<Source>) -> RepositoryError {
    RepositoryError::Unavailable(failure.into())
}

#[async_trait]
impl UserRepository for PostgresUserRepository {
    async fn claim(&self, user: &User, events: &[Event]) -> Result<(), ClaimError> {
        let claim = Claim::new(user, self.hand_over.prepare(events.to_vec()));
        let span = database_span(SYSTEM, Operation::Insert);
        let claimed = span.run(self.claim.ask(claim)).await.map_err(unavailable)?;
        claimed.then_some(()).ok_or(ClaimError::EmailTaken)
    }

    async fn find_by_email(&self, email: &EmailAddress) -> Result<Option<User>, RepositoryError> {
        let query =
            users::table.filter(users::email_key.eq(email.lookup_key())).select(user_row!());
        let found = self
            .database
            .run(move |connection| async move { query.first(connection).await.optional() }.boxed());
        let found = database_span(SYSTEM, Operation::Select).run(found).await;
        let row: Option<UserRow<Uuid>> = found.map_err(unavailable)?;
        row.map(read_user).transpose()
    }

    async fn find(&self, id: UserId) -> Result<Option<User>, RepositoryError> {
        let span = database_span(SYSTEM, Operation::Select);
        let row = span.run(self.find.ask(*id.as_uuid())).await.map_err(unavailable)?;
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
            .filter(users::id.eq(*expected.user_id.as_uuid()))
            .filter(users::code_number.eq(i64::from(expected.number)))
            .filter(num_nulls(users::activated_at).eq(1))
            .set((
                users::code_number.eq(i64::from(user.issue().number)),
                has_new_code.then(|| {
                    let not_mailed = users::code_expires_at.eq(None::<PgTimestamp>);
                    let languages = users::languages.eq(stored_languages(user));
                    (not_mailed, users::code_requested_at.eq(clock_timestamp()), languages)
                }),
                user.is_active().then(|| users::activated_at.eq(clock_timestamp().nullable())),
            ));
        let changed = self.change(expected.user_id, statement, events).await?;
        changed.then_some(()).ok_or(SaveError::Stale)
    }

    async fn hold_address(
        &self,
        issue: CodeIssue,
        duration: Duration,
    ) -> Result<(), RepositoryError> {
        let span = database_span(SYSTEM, Operation::Update);
        span.run(self.hold.ask((issue, duration))).await.map_err(unavailable)
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
            .filter(users::id.eq(*id.as_uuid()))
            .filter(users::password_hash.eq(old.as_phc().to_owned()))
            .set(users::password_hash.eq(new.as_phc().to_owned()));
        self.update(statement).await
    }

    async fn record_repeated_registration(
        &self,
        id: UserId,
        at_most_every: Duration,
        event: &Event,
    ) -> Result<bool, RepositoryError> {
        let noted_before = clock_timestamp().nullable() - interval(at_most_every);
        let statement = diesel::update(users::table)
            .filter(users::id.eq(*id.as_uuid()))
            .filter(users::activated_at.is_not_null())
            .filter(
                users::repetition_noted_at
                    .is_null()
                    .or(users::repetition_noted_at.le(noted_before)),
            )
            .set(users::repetition_noted_at.eq(clock_timestamp().nullable()));
        self.change(id, statement, std::slice::from_ref(event)).await
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
