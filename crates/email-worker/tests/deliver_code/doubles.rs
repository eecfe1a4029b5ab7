//! Doubles of the ports that write down, in order, what they were asked, and answer as a test has set.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{
    Attempt, ClaimError, CodeStore, CodeStoreError, Consumption, IdSource, Mail, MailError, Mailer, Opening,
    RepositoryError, SaveError, UserRepository,
};
use domain::{CodeIssue, EmailAddress, Event, PasswordHash, User, UserId, UserStatus};
use tokio::sync::Notify;
use uuid::Uuid;

/// What was asked of the outside world, in order.
#[derive(Debug, PartialEq, Eq, Clone)]
pub(crate) enum Call {
    Find,
    Open(CodeIssue, Duration, u32),
    Send(String),
    HoldAddress(CodeIssue, Duration),
    ReleaseAddress(CodeIssue),
}

#[derive(Clone, Copy)]
pub(crate) enum Fault {
    Unavailable,
    Damaged,
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) calls: Mutex<Vec<Call>>,
    pub(crate) mails: Mutex<Vec<Mail>>,
    /// The code number and status of the one user, if there is one.
    pub(crate) user: Mutex<Option<(u32, UserStatus)>>,
    pub(crate) find_fault: Mutex<Option<Fault>>,
    pub(crate) address_fault: Mutex<Option<Fault>>,
    /// Answers to the next calls; `Opened` and acceptance once they are used up.
    pub(crate) openings: Mutex<VecDeque<Result<Opening, &'static str>>>,
    pub(crate) sendings: Mutex<VecDeque<Result<(), MailError>>>,
    ids: AtomicU64,
    /// How long ago the events happened.
    pub(crate) age: Mutex<Duration>,
    /// The number of the call that never returns, if there is one.
    hanging_call: Mutex<Option<usize>>,
    hung: Notify,
}

pub(crate) fn user_id() -> UserId {
    UserId::from_uuid(Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057))
}

pub(crate) fn issue(number: u32) -> CodeIssue {
    CodeIssue { user_id: user_id(), number }
}

impl World {
    pub(crate) fn with_user(number: u32, status: UserStatus) -> Arc<Self> {
        Arc::new(Self { user: Mutex::new(Some((number, status))), ..Self::default() })
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Lets one call hang before it has any effect, counted from 1.
    pub(crate) fn hang_at(&self, call: usize) {
        *self.hanging_call.lock().unwrap() = Some(call);
    }

    /// Waits until that call hangs; later ones do not.
    pub(crate) async fn hung(&self) {
        self.hung.notified().await;
        *self.hanging_call.lock().unwrap() = None;
    }

    async fn note(&self, call: Call) {
        let count = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(call);
            calls.len()
        };
        if *self.hanging_call.lock().unwrap() == Some(count) {
            self.hung.notify_one();
            std::future::pending::<()>().await;
        }
    }

    fn change_address(&self) -> Result<(), RepositoryError> {
        match *self.address_fault.lock().unwrap() {
            Some(fault) => Err(raise(fault)),
            None => Ok(()),
        }
    }
}

fn raise(fault: Fault) -> RepositoryError {
    match fault {
        Fault::Unavailable => RepositoryError::Unavailable("connection refused".into()),
        Fault::Damaged => RepositoryError::Damaged("not an address".into()),
    }
}

#[async_trait]
impl UserRepository for World {
    async fn find(&self, id: UserId) -> Result<Option<User>, RepositoryError> {
        self.note(Call::Find).await;
        if let Some(fault) = *self.find_fault.lock().unwrap() {
            return Err(raise(fault));
        }
        let email = EmailAddress::parse("ada@example.com").unwrap();
        let hash = PasswordHash::from_phc("$argon2id$".into());
        let user = *self.user.lock().unwrap();
        Ok(user.map(|(number, status)| User::restore(id, email, hash, number, status)))
    }

    async fn hold_address(&self, issue: CodeIssue, duration: Duration) -> Result<(), RepositoryError> {
        self.note(Call::HoldAddress(issue, duration)).await;
        self.change_address()
    }
    async fn release_address(&self, issue: CodeIssue) -> Result<(), RepositoryError> {
        self.note(Call::ReleaseAddress(issue)).await;
        self.change_address()
    }

    async fn claim(&self, _: &User, _: &[Event]) -> Result<(), ClaimError> {
        unreachable!("the worker claims nothing")
    }
    async fn find_by_email(&self, _: &EmailAddress) -> Result<Option<User>, RepositoryError> {
        unreachable!("events carry no address")
    }
    async fn save(&self, _: &User, _: CodeIssue, _: &[Event]) -> Result<(), SaveError> {
        unreachable!("the worker changes no user")
    }
    async fn upgrade_password_hash(
        &self,
        _: UserId,
        _: &PasswordHash,
        _: &PasswordHash,
    ) -> Result<(), RepositoryError> {
        unreachable!("the worker knows no password")
    }
    async fn record_repeated_registration(
        &self,
        _: UserId,
        _: Duration,
        _: &Event,
    ) -> Result<bool, RepositoryError> {
        unreachable!("the worker records nothing")
    }
    async fn purge_unverified(&self, _: Duration, _: u32) -> Result<u64, RepositoryError> {
        unreachable!("the worker purges nothing")
    }
    async fn ping(&self) -> Result<(), RepositoryError> {
        Ok(())
    }
}

#[async_trait]
impl CodeStore for World {
    async fn open(
        &self,
        issue: CodeIssue,
        window: Duration,
        attempts: u32,
    ) -> Result<Opening, CodeStoreError> {
        self.note(Call::Open(issue, window, attempts)).await;
        let answer = self.openings.lock().unwrap().pop_front().unwrap_or(Ok(Opening::Opened));
        answer.map_err(|reason| CodeStoreError(reason.into()))
    }
    async fn spend_attempt(&self, _: CodeIssue) -> Result<Attempt, CodeStoreError> {
        unreachable!("the worker guesses nothing")
    }
    async fn consume(&self, _: CodeIssue) -> Result<Consumption, CodeStoreError> {
        unreachable!("the worker uses no code up")
    }
    async fn release(&self, _: CodeIssue) -> Result<(), CodeStoreError> {
        unreachable!("the worker uses no code up")
    }
    async fn ping(&self) -> Result<(), CodeStoreError> {
        Ok(())
    }
}

#[async_trait]
impl Mailer for World {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.note(Call::Send(mail.message_id.clone())).await;
        self.sendings.lock().unwrap().pop_front().unwrap_or(Ok(()))?;
        self.mails.lock().unwrap().push(mail.clone());
        Ok(())
    }
    async fn ping(&self) -> Result<(), MailError> {
        Ok(())
    }
}

impl IdSource for World {
    fn next_id(&self) -> Uuid {
        let number = u128::from(self.ids.fetch_add(1, Ordering::SeqCst));
        // The first 48 bits are milliseconds.
        let age = self.age.lock().unwrap().as_millis() << 80;
        Uuid::from_u128(user_id().as_uuid().as_u128() + age + number)
    }
}
