//! Claims an address: hashes the password and stores the user together with the event that triggers
//! the code mail.
//!
//! In conceal mode, neither the answer nor its timing may reveal which addresses exist.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::{
    ClaimError, HashError, IdSource, PasswordHasher, RepositoryError, UserRepository,
};
use domain::{EmailAddress, ErrorChain, Languages, Password, TraceParent, User, UserEvent, UserId};
use tokio::time::Instant;

use super::concealment::{ExistingAccount, wait_for_full_step};
use super::event_envelopes::{take_events, wrap_event};
use crate::admission::{Admission, NotAdmitted};
use crate::limits::{Action, LimitExceeded, RequestLimits};
use crate::metrics::CLAIMS;
use crate::password_policy::{PasswordPolicy, PasswordRefused};

/// The owner of an account is notified of repeated registrations at most this often.
const NOTICE_PERIOD: Duration = Duration::from_hours(1);

/// What is asked for.
pub struct Registration {
    /// The address to claim.
    pub email: EmailAddress,
    /// What the account is protected with.
    pub password: Password,
    /// The languages of its mails.
    pub languages: Languages,
}

/// The outcome of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registered {
    /// The address is claimed and its code is on its way.
    Claimed {
        /// The new registration.
        user_id: UserId,
    },
    /// The request is accepted; its outcome is concealed ([`ExistingAccount::Conceal`]).
    Concealed,
}

/// Why an address was not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Too many registrations of this address.
    #[error(transparent)]
    Limited(#[from] LimitExceeded),
    /// The mailbox has had as many mails as it may get.
    #[error(transparent)]
    MailsExhausted(LimitExceeded),
    /// An active account, or a claim whose minute still runs, holds the address.
    #[error("the address is taken")]
    EmailTaken,
    /// The address may not be registered here.
    #[error(transparent)]
    NotAdmitted(#[from] NotAdmitted),
    /// The password is too easily guessed, or cannot be checked.
    #[error(transparent)]
    Password(#[from] PasswordRefused),
    /// The password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashError),
    /// The user could not be stored.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The task that makes the claim was aborted or panicked.
    #[error("the registration was cut short")]
    CutShort(#[from] tokio::task::JoinError),
}

/// The use case, with the ports that it needs.
#[derive(Clone)]
pub struct Register {
    /// Stores the users.
    pub users: Arc<dyn UserRepository>,
    /// Hashes passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Generates identifiers.
    pub ids: Arc<dyn IdSource>,
    /// Who may sign up.
    pub admission: Admission,
    /// Which passwords are refused.
    pub passwords: PasswordPolicy,
    /// What is revealed about a taken address.
    pub existing_account: ExistingAccount,
}

impl Register {
    /// Fails if a registration would be refused now because too many passwords wait. To be called
    /// before anything is counted or spent, since most requests end this way under overload.
    pub fn check_capacity(&self) -> Result<(), RegisterError> {
        Ok(self.hasher.check_capacity()?)
    }

    /// Claims the address.
    pub async fn execute(
        &self,
        registration: Registration,
        trace: TraceParent,
        limits: &RequestLimits,
    ) -> Result<Registered, RegisterError> {
        let Registration { email, password, languages } = registration;
        limits.check_address(Action::Register, &email).await?;
        self.admission.check_domain(&email)?;
        self.passwords.check(&password, &email).await?;
        self.admission.ask_hook(&email, limits.client()).await?;
        let hash = self.hasher.hash(password).await?;
        let started = Instant::now();
        let id = UserId::from_uuid(self.ids.next_id());
        let user = User::register(id, email.clone(), hash).with_languages(languages);
        // In a task of its own: if the client disconnects, what is spent must not stay so without a
        // mail.
        let claim = self.clone().claim(user, trace, limits.clone());
        let claimed = spans::spawn(claim).await?;
        match self.existing_account {
            ExistingAccount::Reveal => claimed.map(|user_id| Registered::Claimed { user_id }),
            ExistingAccount::Conceal => {
                let outcome = self.conceal(claimed, email, trace, limits).await;
                wait_for_full_step(started).await;
                outcome
            }
        }
    }

    /// Counts the mail and makes the claim that causes it. A claim that is not made costs nothing.
    async fn claim(
        self,
        mut user: User,
        trace: TraceParent,
        limits: RequestLimits,
    ) -> Result<UserId, RegisterError> {
        let address = user.email().masked();
        let mail = limits.spend_mail(user.email()).await.map_err(RegisterError::MailsExhausted)?;
        let events = take_events(&*self.ids, trace, &mut user);
        let claimed = self.users.claim(&user, &events).await;
        if claimed.is_err() {
            mail.give_back().await;
        }
        match claimed {
            Ok(()) => {
                metrics::counter!(CLAIMS).increment(1);
                tracing::info!(event = "user.registered", user_id = %user.id(), address, "registered");
                Ok(user.id())
            }
            Err(ClaimError::EmailTaken) => {
                tracing::info!(event = "registration.refused", address, "the address is taken");
                Err(RegisterError::EmailTaken)
            }
            Err(ClaimError::Repository(error)) => Err(error.into()),
        }
    }

    /// One outcome for a claim that was made, an address that is taken and a mailbox that has had
    /// its mails.
    async fn conceal(
        &self,
        claimed: Result<UserId, RegisterError>,
        email: EmailAddress,
        trace: TraceParent,
        limits: &RequestLimits,
    ) -> Result<Registered, RegisterError> {
        match claimed {
            Ok(_) => {}
            Err(RegisterError::EmailTaken) => {
                self.notify_owner_in_background(email, trace, limits.clone());
            }
            // As a claim would fail without the store.
            Err(RegisterError::MailsExhausted(_)) => self.users.ping().await?,
            Err(error) => return Err(error),
        }
        Ok(Registered::Concealed)
    }

    /// Notifies the owner in a background task: neither its duration nor its failure may reveal
    /// that there is an owner. If the process is killed meanwhile, the owner is notified at the
    /// next attempt.
    fn notify_owner_in_background(
        &self,
        email: EmailAddress,
        trace: TraceParent,
        limits: RequestLimits,
    ) {
        let this = self.clone();
        let notification = async move {
            if let Err(error) = this.notify_owner(&email, trace, &limits).await {
                let error = ErrorChain(&error);
                tracing::warn!(event = "owner.not_notified", %error, "an owner is not notified");
            }
        };
        spans::spawn(notification);
    }

    /// Has the owner of an active account notified by mail. A pending claim has no owner yet, and
    /// its code is on its way anyway.
    async fn notify_owner(
        &self,
        email: &EmailAddress,
        trace: TraceParent,
        limits: &RequestLimits,
    ) -> Result<(), RepositoryError> {
        let Some(owner) = self.users.find_by_email(email).await?.filter(User::is_active) else {
            return Ok(());
        };
        let kind = UserEvent::RegistrationRepeated { user_id: owner.id() };
        let event = wrap_event(&*self.ids, trace, kind);
        let Ok(mail) = limits.spend_mail(email).await else { return Ok(()) };
        let recorded =
            self.users.record_repeated_registration(owner.id(), NOTICE_PERIOD, &event).await;
        if !matches!(recorded, Ok(true)) {
            mail.give_back().await;
        }
        recorded.map(drop)
    }
}
