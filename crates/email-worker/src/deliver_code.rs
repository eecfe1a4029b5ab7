//! Turns an event into the mail it asks for. Tolerates duplicates: a redelivered event repeats only
//! what is missing, and mails the same code under the same Message-ID. Must never mail a code that
//! is dead or whose mail was accepted, log a code or an address, or start the minute before the
//! mail server has accepted the mail.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{
    CodeStore, CodeStoreError, EventHandler, HandleError, IdSource, Mail, MailError, MailKey,
    MailState, Mailer, NewWindow, Opening, RepositoryError, SendingLease, Suppressions,
    UserRepository,
};
use domain::{
    CodeIssue, CodeKeys, CodeLength, Derivation, EmailAddress, Event, EventId, UnknownCodeKey,
    User, UserEvent, UserId,
};

use crate::metrics::{self, DropReason};
use crate::refusals::{Attempt, Refusals};
use crate::sending_lease::{LEASE, LeaseError, while_leased};
use crate::templates::{MailContent, Templates};

/// How codes are issued. Must match what activation expects.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryOptions {
    /// How many digits a new code has.
    pub code_length: CodeLength,
    /// How long a code is valid once its mail has been accepted.
    pub window: Duration,
    /// How many guesses a code allows.
    pub attempts: u32,
}

/// Handles the events that need a mail.
pub struct DeliverCode {
    /// Tells whether a code is still wanted, and where to send it.
    pub users: Arc<dyn UserRepository>,
    /// Holds the window of each code.
    pub codes: Arc<dyn CodeStore>,
    /// The addresses that are not mailed.
    pub suppressions: Arc<dyn Suppressions>,
    /// Sends the mails.
    pub mailer: Arc<dyn Mailer>,
    /// Decides which mails that are not accepted are given up.
    pub refusals: Refusals,
    /// Tells the time, and names the sender of a mail.
    pub ids: Arc<dyn IdSource>,
    /// Derive the codes.
    pub keys: Arc<CodeKeys>,
    /// Renders the mails.
    pub templates: Templates,
    /// How codes are issued.
    pub options: DeliveryOptions,
}

/// What became of an event.
enum Outcome {
    Sent { kind: &'static str, to: EmailAddress },
    Dropped(DropReason),
}

#[async_trait]
impl EventHandler for DeliverCode {
    async fn handle(&self, event: &Event) -> Result<(), HandleError> {
        let outcome = match event.kind {
            UserEvent::UserRegistered { issue } | UserEvent::CodeRequested { issue } => {
                self.deliver(issue, event).await
            }
            UserEvent::RegistrationRepeated { user_id } => self.notify_owner(user_id, event).await,
            UserEvent::UserActivated { .. } | UserEvent::UserDeleted { .. } => return Ok(()),
        };
        self.record(event, &outcome);
        outcome.map(|_| ()).map_err(HandleError::from)
    }
}

impl DeliverCode {
    async fn deliver(&self, issue: CodeIssue, event: &Event) -> Result<Outcome, DeliveryError> {
        let user = match check_still_wanted(self.users.find(issue.user_id).await?, issue) {
            Ok(user) => user,
            Err(reason) => return Ok(Outcome::Dropped(reason)),
        };
        let (mail, sender) = (MailKey::Code(issue), self.ids.next_id());
        let window = self.new_window(self.keys.derivation(self.options.code_length));
        let begin = self.codes.lease_and_open(issue, window, sender, LEASE);
        let send = |opening| self.deliver_to(&user, issue, opening, event);
        while_leased(&*self.codes, mail, sender, begin, send).await
    }

    async fn deliver_to(
        &self,
        user: &User,
        issue: CodeIssue,
        opening: Opening,
        event: &Event,
    ) -> Result<Outcome, DeliveryError> {
        // A code that is mailed again is the same, although key or length may have changed since.
        let derivation = match opening {
            Opening::Opened { derivation } => derivation,
            Opening::Accepted { left } => {
                // An earlier delivery got this far and no further: the recipient has the mail.
                self.users.hold_address(issue, left).await?;
                return Ok(Outcome::Dropped(DropReason::AlreadyMailed));
            }
            Opening::Superseded => return Ok(Outcome::Dropped(DropReason::Superseded)),
            Opening::Consumed => return Ok(Outcome::Dropped(DropReason::Consumed)),
        };
        if self.suppressions.find(user.email()).await?.is_some() {
            // As if it were mailed, so that no answer tells the difference.
            self.record_acceptance(issue, derivation).await?;
            return Ok(Outcome::Dropped(DropReason::Suppressed));
        }
        let content = self.templates.code(user.languages(), &self.keys.derive(issue, derivation)?);
        let message_id = format!("{}.{}", issue.user_id, issue.number);
        if let Err(error) = self.send(event, &mail_to(user.email(), message_id, content)).await {
            self.release_address_if_undeliverable(issue, &error).await?;
            return Err(error.into());
        }
        self.record_acceptance(issue, derivation).await?;
        Ok(Outcome::Sent { kind: "code", to: user.email().clone() })
    }

    /// Starts the window afresh once the mail is accepted, so that a slow mail server does not use
    /// up the recipient's time. The code store comes first: a retry finds the acceptance there and
    /// does not mail the code again. A code that was used or replaced in the meantime gets no new
    /// window.
    async fn record_acceptance(
        &self,
        issue: CodeIssue,
        derivation: Derivation,
    ) -> Result<(), DeliveryError> {
        let window = self.new_window(derivation);
        match self.codes.open(issue, window, MailState::Accepted).await? {
            Opening::Opened { .. } => self.users.hold_address(issue, window.length).await?,
            Opening::Accepted { left } => self.users.hold_address(issue, left).await?,
            Opening::Superseded | Opening::Consumed => {}
        }
        Ok(())
    }

    fn new_window(&self, derivation: Derivation) -> NewWindow {
        let DeliveryOptions { window, attempts, .. } = self.options;
        NewWindow { length: window, attempts, derivation }
    }

    /// Releases the address if its mail can never be delivered, so that it can be claimed again.
    /// Comes before the event is dead-lettered, since nothing would release it afterwards.
    async fn release_address_if_undeliverable(
        &self,
        issue: CodeIssue,
        error: &MailError,
    ) -> Result<(), DeliveryError> {
        if matches!(error, MailError::Permanent(_)) {
            self.users.release_address(issue).await?;
        }
        Ok(())
    }

    async fn notify_owner(&self, user_id: UserId, event: &Event) -> Result<Outcome, DeliveryError> {
        let Some(user) = self.users.find(user_id).await? else {
            return Ok(Outcome::Dropped(DropReason::UserGone));
        };
        let (mail, sender) = (MailKey::Notice(event.id), self.ids.next_id());
        let begin = async {
            let lease = self.codes.lease_sending(mail, sender, LEASE).await?;
            Ok((lease == SendingLease::Held).then_some(()))
        };
        while_leased(&*self.codes, mail, sender, begin, |()| self.notify(&user, event)).await
    }

    async fn notify(&self, owner: &User, event: &Event) -> Result<Outcome, DeliveryError> {
        if self.codes.is_notice_accepted(event.id).await? {
            return Ok(Outcome::Dropped(DropReason::AlreadyMailed));
        }
        if self.suppressions.find(owner.email()).await?.is_some() {
            self.codes.mark_notice_accepted(event.id).await?;
            return Ok(Outcome::Dropped(DropReason::Suppressed));
        }
        let message_id = format!("{}.{}", owner.id(), event.id.as_uuid());
        let content = self.templates.registration_repeated(owner.languages());
        self.send(event, &mail_to(owner.email(), message_id, content)).await?;
        self.codes.mark_notice_accepted(event.id).await?;
        Ok(Outcome::Sent { kind: "registration_repeated", to: owner.email().clone() })
    }

    async fn send(&self, event: &Event, mail: &Mail) -> Result<(), MailError> {
        let sent = self.mailer.send(mail).await;
        let now = EventId::from_uuid(self.ids.next_id()).happened_at().unwrap_or_default();
        self.refusals.judge(Attempt { event: event.id, domain: mail.to.domain(), now }, sent)
    }

    /// Only counts failures: the consumer logs them, together with what happens to the event next.
    fn record(&self, event: &Event, outcome: &Result<Outcome, DeliveryError>) {
        let user_id = event.kind.user_id();
        match outcome {
            Ok(Outcome::Sent { kind, to }) => {
                metrics::count_sent(kind, event.id, self.ids.as_ref());
                let to = to.masked();
                tracing::info!(event = "mail.sent", %user_id, kind, to, "the mail server accepted a mail");
            }
            Ok(Outcome::Dropped(reason)) => {
                metrics::count_dropped(*reason);
                let reason = reason.as_str();
                tracing::info!(event = "mail.dropped", %user_id, reason, "no mail is sent");
            }
            Err(error) => {
                metrics::count_failed(if error.is_transient() { "transient" } else { "permanent" });
            }
        }
    }
}

/// Returns the user if this is still the code to mail.
fn check_still_wanted(user: Option<User>, issue: CodeIssue) -> Result<User, DropReason> {
    let user = user.ok_or(DropReason::UserGone)?;
    if user.is_active() {
        return Err(DropReason::UserActive);
    }
    if user.issue() != issue {
        return Err(DropReason::Superseded);
    }
    Ok(user)
}

fn mail_to(to: &EmailAddress, message_id: String, content: MailContent) -> Mail {
    let MailContent { language, subject, text, html } = content;
    Mail { message_id, to: to.clone(), language, subject, text, html }
}

/// Why an event was not handled.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    CodeStore(#[from] CodeStoreError),
    #[error(transparent)]
    UnknownKey(#[from] UnknownCodeKey),
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error(transparent)]
    Lease(#[from] LeaseError),
}

impl DeliveryError {
    fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Repository(RepositoryError::Unavailable(_))
                | Self::CodeStore(_)
                | Self::Mail(
                    MailError::Transient(_) | MailError::SenderRefused(_) | MailError::Refused(_)
                )
                | Self::Lease(_)
                // Another worker has it, or this one once it is restarted.
                | Self::UnknownKey(_)
        )
    }
}

impl From<DeliveryError> for HandleError {
    fn from(error: DeliveryError) -> Self {
        if error.is_transient() {
            Self::Transient(error.into())
        } else {
            Self::Permanent(error.into())
        }
    }
}
