//! Claims an address: hashes the password and stores the user together with the event that triggers
//! the code mail.
//!
//! In conceal mode, neither the answer nor its timing may reveal which addresses exist.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::{ClaimError, HashError, IdSource, PasswordHasher, RepositoryError, UserRepository};
use domain::{EmailAddress, ErrorChain, Password, TraceParent, User, UserEvent, UserId};
use tokio::time::Instant;
use tracing::Instrument;

use super::event_envelopes::{take_events, wrap_event};
use crate::limits::{Action, LimitExceeded, RequestLimits};
use crate::metrics::REGISTRATIONS;
use crate::password_policy::{PasswordPolicy, PasswordRefused};

/// The owner of an account is notified of repeated registrations at most this often.
const NOTICE_PERIOD: Duration = Duration::from_hours(1);

/// In conceal mode, the time spent in the store is rounded up to a multiple of this. A commit takes
/// only a few milliseconds longer than a refusal, even on a busy machine, so the step hides the
/// difference.
const CONCEALING_STEP: Duration = Duration::from_millis(100);

/// What registration reveals about an address that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExistingAccount {
    /// That it is taken.
    Reveal,
    /// Nothing: every address gets the same answer, and the owner of an active account is told by
    /// mail.
    Conceal,
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
    /// An active account, or a claim whose minute still runs, holds the address.
    #[error("the address is taken")]
    EmailTaken,
    /// The password is too easily guessed, or cannot be checked.
    #[error(transparent)]
    Password(#[from] PasswordRefused),
    /// The password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashError),
    /// The user could not be stored.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
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
    /// Which passwords are refused.
    pub passwords: PasswordPolicy,
    /// What is revealed about a taken address.
    pub existing_account: ExistingAccount,
}

impl Register {
    /// Claims `email` with `password`.
    pub async fn execute(
        &self,
        email: EmailAddress,
        password: Password,
        trace: TraceParent,
        limits: &RequestLimits,
    ) -> Result<Registered, RegisterError> {
        limits.check_address(Action::Register, &email).await?;
        self.passwords.check(&password, &email).await?;
        let hash = self.hasher.hash(password).await?;
        let started = Instant::now();
        let mut user = User::register(UserId::from_uuid(self.ids.next_id()), email, hash);
        let claimed = self.claim(&mut user, trace).await;
        match self.existing_account {
            ExistingAccount::Reveal => claimed.map(|()| Registered::Claimed { user_id: user.id() }),
            ExistingAccount::Conceal => {
                let outcome = match claimed {
                    Err(RegisterError::EmailTaken) => {
                        self.notify_owner_in_background(user.email().clone(), trace);
                        Ok(())
                    }
                    other => other,
                };
                wait_for_full_step(started).await;
                outcome.map(|()| Registered::Concealed)
            }
        }
    }

    async fn claim(&self, user: &mut User, trace: TraceParent) -> Result<(), RegisterError> {
        let events = take_events(&*self.ids, trace, user);
        match self.users.claim(user, &events).await {
            Ok(()) => {
                metrics::counter!(REGISTRATIONS).increment(1);
                let address = user.email().masked();
                tracing::info!(event = "user.registered", user_id = %user.id(), address, "registered");
                Ok(())
            }
            Err(ClaimError::EmailTaken) => {
                let address = user.email().masked();
                tracing::info!(event = "registration.refused", address, "the address is taken");
                Err(RegisterError::EmailTaken)
            }
            Err(ClaimError::Repository(error)) => Err(error.into()),
        }
    }

    /// Notifies the owner in a background task: neither its duration nor its failure may reveal
    /// that there is an owner. If the process is killed meanwhile, the owner is notified at the
    /// next attempt.
    fn notify_owner_in_background(&self, email: EmailAddress, trace: TraceParent) {
        let this = self.clone();
        let notification = async move {
            if let Err(error) = this.notify_owner(&email, trace).await {
                let error = ErrorChain(&error);
                tracing::warn!(event = "owner.not_notified", %error, "an owner is not notified");
            }
        };
        tokio::spawn(notification.in_current_span());
    }

    /// Has the owner of an active account notified by mail. A pending claim has no owner yet, and
    /// its code is on its way anyway.
    async fn notify_owner(&self, email: &EmailAddress, trace: TraceParent) -> Result<(), RepositoryError> {
        let Some(owner) = self.users.find_by_email(email).await?.filter(User::is_active) else {
            return Ok(());
        };
        let kind = UserEvent::RegistrationRepeated { user_id: owner.id() };
        let event = wrap_event(&*self.ids, trace, kind);
        self.users.record_repeated_registration(owner.id(), NOTICE_PERIOD, &event).await?;
        Ok(())
    }
}

/// Sleeps until a whole number of steps has passed since `started`.
async fn wait_for_full_step(started: Instant) {
    let steps = started.elapsed().as_millis() / CONCEALING_STEP.as_millis() + 1;
    let steps = u32::try_from(steps).unwrap_or(u32::MAX);
    tokio::time::sleep_until(started + CONCEALING_STEP * steps).await;
}
