//! What every case starts from.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diesel::{Connection, SqliteConnection};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use domain::ports::{
    Accounts, DeadLetters, Outbox, OutboxEntry, OutboxMonitor, Suppressions, UserRepository,
};
use domain::{EmailAddress, Event, EventId, PasswordHash, TraceParent, User, UserEvent, UserId};
use test_support::unique_id;
use tokio::time::sleep;

/// A minute, lease or delay that outlasts every test.
pub(crate) const LONG_PERIOD: Duration = Duration::from_mins(1);
/// A minute, lease or delay that runs out within a test.
pub(crate) const SHORT_PERIOD: Duration = Duration::from_millis(50);

/// A store of its own, empty, and gone when the test is over.
pub(crate) struct Store {
    pub(crate) users: Arc<dyn UserRepository>,
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) suppressions: Arc<dyn Suppressions>,
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) monitor: Arc<dyn OutboxMonitor>,
    /// The events for the webhook, which wants activations.
    pub(crate) webhooks: Arc<dyn Outbox>,
    pub(crate) webhook_monitor: Arc<dyn OutboxMonitor>,
    pub(crate) dead_letters: Arc<dyn DeadLetters>,
    /// Where the database is, for what no port does.
    pub(crate) location: Location,
    /// Removes the database when it is dropped.
    pub(crate) _keeper: Box<dyn Any + Send + Sync>,
}

/// Where a database is.
pub(crate) enum Location {
    Postgres(String),
    Sqlite(PathBuf),
}

impl Location {
    /// Runs statements that both databases understand.
    pub(crate) async fn execute(&self, statements: &str) {
        match self {
            Self::Postgres(url) => {
                let mut connection = AsyncPgConnection::establish(url).await.unwrap();
                connection.batch_execute(statements).await.unwrap();
            }
            Self::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                diesel::connection::SimpleConnection::batch_execute(&mut connection, statements)
                    .unwrap();
            }
        }
    }
}

impl Store {
    /// Every event that is due now, claimed for longer than the test takes.
    pub(crate) async fn due(&self) -> Vec<OutboxEntry> {
        self.outbox.claim(1000, LONG_PERIOD).await.unwrap()
    }

    /// A user that claimed the address, and whose event has been taken out of the outbox.
    pub(crate) async fn registered(&self, email: &str) -> User {
        let mut user = user(email);
        let events = events_of(&mut user);
        self.users.claim(&user, &events).await.unwrap();
        let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
        self.outbox.delete(&ids).await.unwrap();
        user
    }

    /// An active user.
    pub(crate) async fn active(&self, email: &str) -> User {
        let mut user = self.registered(email).await;
        let seen = user.issue();
        user.activate().unwrap();
        user.take_events();
        self.users.save(&user, seen, &[]).await.unwrap();
        user
    }
}

/// A registration that is not stored yet, with its event.
pub(crate) fn user(email: &str) -> User {
    let email = EmailAddress::parse(email).unwrap();
    User::register(
        UserId::from_uuid(unique_id()),
        email,
        PasswordHash::from_phc(format!("$test${}", unique_id())),
    )
}

/// An event under a new identifier.
pub(crate) fn event(kind: UserEvent) -> Event {
    let id = unique_id();
    Event { id: EventId::from_uuid(id), trace: TraceParent::start(id), kind }
}

/// What the user recorded, ready for the outbox.
pub(crate) fn events_of(user: &mut User) -> Vec<Event> {
    user.take_events().into_iter().map(event).collect()
}

/// Waits until `span` has passed for the store too, whose clock is read in steps.
pub(crate) async fn outlast(span: Duration) {
    sleep(span + Duration::from_millis(5)).await;
}
