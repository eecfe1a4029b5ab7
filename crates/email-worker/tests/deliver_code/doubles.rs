//! Test doubles of the ports: they record every call in order and answer as a test has told them
//! to.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use domain::ports::{
    Attempt, ClaimError, CodeStore, CodeStoreError, Consumption, IdSource, Mail, MailError,
    MailKey, MailState, Mailer, NewWindow, Opening, PurgeAges, Purged, RepositoryError, SaveError,
    SendingLease, Suppression, Suppressions, UserRepository,
};
use domain::{
    CodeIssue, Derivation, EmailAddress, Event, EventId, Languages, PasswordHash, User, UserId,
    UserStatus,
};
use test_support::soon_within;
use tokio::sync::Notify;
use uuid::Uuid;

/// A call of a port.
#[derive(Debug, PartialEq, Eq, Clone)]
pub(crate) enum Call {
    Find,
    Open(CodeIssue, Duration, u32, MailState),
    IsNoticeAccepted,
    MarkNoticeAccepted,
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
    pub(crate) is_suppressed: AtomicBool,
    /// The code number and status of the one user, if there is one.
    pub(crate) user: Mutex<Option<(u32, UserStatus)>>,
    /// What the user wants to read.
    pub(crate) languages: Mutex<Languages>,
    pub(crate) find_fault: Mutex<Option<Fault>>,
    pub(crate) address_fault: Mutex<Option<Fault>>,
    /// Answers to the next calls; once they are used up, `Opened` and acceptance.
    pub(crate) openings: Mutex<VecDeque<Result<Opening, &'static str>>>,
    pub(crate) sendings: Mutex<VecDeque<Result<(), MailError>>>,
    /// The code whose mail was accepted, and what is left of its window.
    pub(crate) accepted: Mutex<Option<(CodeIssue, Duration)>>,
    /// How the code was derived whose mail was said to be accepted last.
    pub(crate) accepted_derivation: Mutex<Option<Derivation>>,
    /// The notices whose mail was accepted.
    accepted_notices: Mutex<HashSet<EventId>>,
    pub(crate) notice_fault: Mutex<Option<&'static str>>,
    /// Who holds the lease to send each mail.
    senders: Mutex<HashMap<MailKey, Uuid>>,
    /// Whether each request for the lease was granted.
    pub(crate) leases: Mutex<Vec<bool>>,
    ids: AtomicU64,
    /// How long ago the events happened.
    pub(crate) age: Mutex<Duration>,
    /// The number of the call that never returns, if any.
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

    /// Makes one call, counted from 1, hang before it has any effect.
    pub(crate) fn hang_at(&self, call: usize) {
        *self.hanging_call.lock().unwrap() = Some(call);
    }

    /// Waits until that call hangs. No later call will.
    pub(crate) async fn hung(&self) {
        let hung = self.hung.notified();
        soon_within(Duration::from_secs(30), "the call that hangs", hung).await;
        *self.hanging_call.lock().unwrap() = None;
    }

    /// The end of all leases, which nobody renews.
    pub(crate) fn end_leases(&self) {
        self.senders.lock().unwrap().clear();
    }

    async fn record(&self, call: Call) {
        let count = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(call);
            calls.len()
        };
        if *self.hanging_call.lock().unwrap() == Some(count) {
            self.hung.notify_one();
            pending::<()>().await;
        }
    }

    fn next_opening(
        &self,
        issue: CodeIssue,
        derivation: Derivation,
    ) -> Result<Opening, CodeStoreError> {
        let known = match *self.accepted.lock().unwrap() {
            Some((accepted, left)) if accepted == issue => Opening::Accepted { left },
            _ => Opening::Opened { derivation },
        };
        let answer = self.openings.lock().unwrap().pop_front().unwrap_or(Ok(known));
        answer.map_err(|reason| CodeStoreError(reason.into()))
    }

    fn answer_about_notice(&self) -> Result<(), CodeStoreError> {
        let fault = *self.notice_fault.lock().unwrap();
        fault.map_or(Ok(()), |reason| Err(CodeStoreError(reason.into())))
    }

    fn answer_address_change(&self) -> Result<(), RepositoryError> {
        match *self.address_fault.lock().unwrap() {
            Some(fault) => Err(repository_error(fault)),
            None => Ok(()),
        }
    }
}

fn repository_error(fault: Fault) -> RepositoryError {
    match fault {
        Fault::Unavailable => RepositoryError::Unavailable("connection refused".into()),
        Fault::Damaged => RepositoryError::Damaged("not an address".into()),
    }
}

#[async_trait]
impl UserRepository for World {
    async fn find(&self, id: UserId) -> Result<Option<User>, RepositoryError> {
        self.record(Call::Find).await;
        if let Some(fault) = *self.find_fault.lock().unwrap() {
            return Err(repository_error(fault));
        }
        let email = EmailAddress::parse("ada@example.com").unwrap();
        let hash = PasswordHash::from_phc("$argon2id$".into());
        let user = *self.user.lock().unwrap();
        let languages = self.languages.lock().unwrap().clone();
        Ok(user.map(|(number, status)| {
            User::restore(id, email, hash, number, status).with_languages(languages)
        }))
    }

    async fn hold_address(
        &self,
        issue: CodeIssue,
        duration: Duration,
    ) -> Result<(), RepositoryError> {
        self.record(Call::HoldAddress(issue, duration)).await;
        self.answer_address_change()
    }
    async fn release_address(&self, issue: CodeIssue) -> Result<(), RepositoryError> {
        self.record(Call::ReleaseAddress(issue)).await;
        self.answer_address_change()
    }

    async fn claim(&self, _: &User, _: &[Event]) -> Result<(), ClaimError> {
        unreachable!("the worker claims no address")
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
    async fn purge_unverified(&self, _: PurgeAges, _: u32) -> Result<Purged, RepositoryError> {
        unreachable!("the worker purges nothing")
    }
    async fn ping(&self) -> Result<(), RepositoryError> {
        Ok(())
    }
}

#[async_trait]
impl CodeStore for World {
    async fn lease_sending(
        &self,
        mail: MailKey,
        sender: Uuid,
        _: Duration,
    ) -> Result<SendingLease, CodeStoreError> {
        let is_held = *self.senders.lock().unwrap().entry(mail).or_insert(sender) == sender;
        self.leases.lock().unwrap().push(is_held);
        Ok(if is_held { SendingLease::Held } else { SendingLease::HeldByAnother })
    }
    async fn release_sending(&self, mail: MailKey, sender: Uuid) -> Result<(), CodeStoreError> {
        let mut senders = self.senders.lock().unwrap();
        if senders.get(&mail) == Some(&sender) {
            senders.remove(&mail);
        }
        Ok(())
    }
    async fn open(
        &self,
        issue: CodeIssue,
        window: NewWindow,
        mail: MailState,
    ) -> Result<Opening, CodeStoreError> {
        let NewWindow { length, attempts, derivation } = window;
        self.record(Call::Open(issue, length, attempts, mail)).await;
        let opening = self.next_opening(issue, derivation)?;
        if mail == MailState::Accepted {
            *self.accepted_derivation.lock().unwrap() = Some(derivation);
            if opening == (Opening::Opened { derivation }) {
                *self.accepted.lock().unwrap() = Some((issue, length));
            }
        }
        Ok(opening)
    }
    async fn mark_notice_accepted(&self, notice: EventId) -> Result<(), CodeStoreError> {
        self.record(Call::MarkNoticeAccepted).await;
        self.answer_about_notice()?;
        self.accepted_notices.lock().unwrap().insert(notice);
        Ok(())
    }
    async fn is_notice_accepted(&self, notice: EventId) -> Result<bool, CodeStoreError> {
        self.record(Call::IsNoticeAccepted).await;
        self.answer_about_notice()?;
        Ok(self.accepted_notices.lock().unwrap().contains(&notice))
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
        self.record(Call::Send(mail.message_id.clone())).await;
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

#[async_trait]
impl Suppressions for World {
    async fn find(&self, email: &EmailAddress) -> Result<Option<Suppression>, RepositoryError> {
        let suppression = Suppression { email: email.clone(), since: SystemTime::UNIX_EPOCH };
        Ok(self.is_suppressed.load(Ordering::Relaxed).then_some(suppression))
    }

    async fn add(&self, _: &EmailAddress) -> Result<bool, RepositoryError> {
        unreachable!("the operator does that")
    }

    async fn remove(&self, _: &EmailAddress) -> Result<bool, RepositoryError> {
        unreachable!("the operator does that")
    }

    async fn page(
        &self,
        _: Option<&EmailAddress>,
        _: u32,
    ) -> Result<Vec<Suppression>, RepositoryError> {
        unreachable!("the operator does that")
    }
}
