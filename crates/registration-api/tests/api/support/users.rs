//! Users in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use domain::ports::{
    Accounts, ClaimError, PurgeAges, Purged, RepositoryError, SaveError, UserRepository,
};
use domain::{
    Account, AccountRecord, CodeIssue, EmailAddress, Event, PasswordHash, User, UserId, UserStatus,
};
use tokio::sync::{Notify, Semaphore};

use super::broken;

pub(crate) type ByAddress = HashMap<String, User>;
type Change = Box<dyn FnOnce(&mut ByAddress) + Send>;

#[derive(Default)]
pub(crate) struct Users {
    by_address: Mutex<ByAddress>,
    pub(crate) events: Mutex<Vec<Event>>,
    pub(crate) is_down: AtomicBool,
    /// Only writes fail.
    pub(crate) is_read_only: AtomicBool,
    pub(crate) notices: AtomicU32,
    /// How long a claim takes.
    pub(crate) claim_duration: Mutex<Duration>,
    /// Saves wait for a permit of it, once a test has set it.
    pub(crate) save_gate: OnceLock<Semaphore>,
    /// A save has arrived at the gate.
    pub(crate) saving: Notify,
    /// So many of the next purges panic.
    pub(crate) purge_panics: AtomicU32,
    /// A purge has ended well.
    pub(crate) purged: Notify,
    /// What somebody else changes just before the next save.
    before_save: Mutex<Option<Change>>,
}

fn copy(user: &User) -> User {
    let (email, hash) = (user.email().clone(), user.password_hash().clone());
    User::restore(user.id(), email, hash, user.issue().number, user.status())
        .with_languages(user.languages().clone())
}

impl Users {
    pub(crate) fn get(&self, email: &str) -> Option<User> {
        self.by_address.lock().unwrap().get(&email.to_ascii_lowercase()).map(copy)
    }

    pub(crate) fn put(&self, user: User) {
        self.by_address.lock().unwrap().insert(user.email().lookup_key(), user);
    }

    pub(crate) fn mail_accepted(&self, issue: CodeIssue) {
        self.change(issue.user_id, |user| {
            *user = User::restore(
                user.id(),
                user.email().clone(),
                user.password_hash().clone(),
                issue.number,
                UserStatus::Pending { code_mailed: true },
            )
            .with_languages(user.languages().clone());
        });
    }

    pub(crate) fn before_next_save(&self, change: impl FnOnce(&mut ByAddress) + Send + 'static) {
        *self.before_save.lock().unwrap() = Some(Box::new(change));
    }

    pub(crate) fn event_kinds(&self) -> Vec<String> {
        let name =
            |event: &Event| format!("{:?}", event.kind).split(' ').next().unwrap().to_owned();
        self.events.lock().unwrap().iter().map(name).collect()
    }

    fn change(&self, id: UserId, change: impl FnOnce(&mut User)) {
        change(self.by_address.lock().unwrap().values_mut().find(|user| user.id() == id).unwrap());
    }

    fn check(&self, writes: bool) -> Result<(), RepositoryError> {
        let is_down = self.is_down.load(Ordering::Relaxed);
        if is_down || writes && self.is_read_only.load(Ordering::Relaxed) {
            return Err(RepositoryError::Unavailable(broken()));
        }
        Ok(())
    }
}

#[async_trait]
impl Accounts for Users {
    async fn find(&self, id: UserId) -> Result<Option<Account>, RepositoryError> {
        Ok(UserRepository::find(self, id).await?.as_ref().map(account))
    }

    async fn find_by_email(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<Account>, RepositoryError> {
        Ok(UserRepository::find_by_email(self, email).await?.as_ref().map(account))
    }

    async fn page(&self, _: Option<UserId>, _: u32) -> Result<Vec<Account>, RepositoryError> {
        unreachable!("no request lists accounts")
    }

    async fn record(&self, _: UserId) -> Result<Option<AccountRecord>, RepositoryError> {
        unreachable!("no request exports accounts")
    }

    async fn renew_guesses(&self, _: UserId) -> Result<bool, RepositoryError> {
        unreachable!("no request renews guesses")
    }

    async fn delete(&self, id: UserId, event: &Event) -> Result<bool, RepositoryError> {
        self.check(true)?;
        let mut users = self.by_address.lock().unwrap();
        let before = users.len();
        users.retain(|_, user| user.id() != id);
        let is_deleted = users.len() < before;
        if is_deleted {
            self.events.lock().unwrap().push(event.clone());
        }
        Ok(is_deleted)
    }
}

/// Every account was activated at the beginning of time.
fn account(user: &User) -> Account {
    let (user_id, email) = (user.id(), user.email().clone());
    Account { user_id, email, activated_at: user.is_active().then_some(SystemTime::UNIX_EPOCH) }
}

#[async_trait]
impl UserRepository for Users {
    async fn claim(&self, user: &User, events: &[Event]) -> Result<(), ClaimError> {
        self.check(true)?;
        let duration = *self.claim_duration.lock().unwrap();
        tokio::time::sleep(duration).await;
        let mut users = self.by_address.lock().unwrap();
        if users.contains_key(&user.email().lookup_key()) {
            return Err(ClaimError::EmailTaken);
        }
        users.insert(user.email().lookup_key(), copy(user));
        self.events.lock().unwrap().extend_from_slice(events);
        Ok(())
    }

    async fn find_by_email(&self, email: &EmailAddress) -> Result<Option<User>, RepositoryError> {
        self.check(false)?;
        Ok(self.get(&email.lookup_key()))
    }

    async fn find(&self, id: UserId) -> Result<Option<User>, RepositoryError> {
        self.check(false)?;
        Ok(self.by_address.lock().unwrap().values().find(|user| user.id() == id).map(copy))
    }

    async fn save(
        &self,
        user: &User,
        expected: CodeIssue,
        events: &[Event],
    ) -> Result<(), SaveError> {
        self.check(true)?;
        self.saving.notify_one();
        if let Some(gate) = self.save_gate.get() {
            gate.acquire().await.unwrap().forget();
        }
        let mut users = self.by_address.lock().unwrap();
        if let Some(change) = self.before_save.lock().unwrap().take() {
            change(&mut users);
        }
        match users.get_mut(&user.email().lookup_key()) {
            Some(stored) if !stored.is_active() && stored.issue() == expected => {
                *stored = copy(user);
            }
            _ => return Err(SaveError::Stale),
        }
        self.events.lock().unwrap().extend_from_slice(events);
        Ok(())
    }

    async fn hold_address(&self, issue: CodeIssue, _: Duration) -> Result<(), RepositoryError> {
        self.mail_accepted(issue);
        Ok(())
    }

    async fn release_address(&self, issue: CodeIssue) -> Result<(), RepositoryError> {
        self.mail_accepted(issue);
        Ok(())
    }

    async fn upgrade_password_hash(
        &self,
        id: UserId,
        _: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<(), RepositoryError> {
        self.check(true)?;
        self.change(id, |user| {
            *user = User::restore(
                id,
                user.email().clone(),
                new.clone(),
                user.issue().number,
                user.status(),
            );
        });
        Ok(())
    }

    async fn record_repeated_registration(
        &self,
        _: UserId,
        at_most_every: Duration,
        event: &Event,
    ) -> Result<bool, RepositoryError> {
        self.check(true)?;
        assert_eq!(at_most_every, Duration::from_hours(1));
        let is_first = self.notices.fetch_add(1, Ordering::Relaxed) == 0;
        if is_first {
            self.events.lock().unwrap().push(event.clone());
        }
        Ok(is_first)
    }

    async fn purge_unverified(&self, _: PurgeAges, _: u32) -> Result<Purged, RepositoryError> {
        let panics = self
            .purge_panics
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        assert!(panics.is_err(), "a purge panics");
        self.purged.notify_one();
        Ok(Purged::default())
    }

    async fn ping(&self) -> Result<(), RepositoryError> {
        self.check(false)
    }
}
