//! Turns an event into the mail that it asks for. Bears the same event any number of times: a redelivery
//! mails the same code under the same Message-ID. Must never mail a code that is dead, log a code or an
//! address, or start the minute before the mail server has taken the mail.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{
    CodeStore, CodeStoreError, EventHandler, HandleError, IdSource, Mail, MailError, Mailer, Opening,
    RepositoryError, UserRepository,
};
use domain::{CodeIssue, CodeKey, CodeLength, EmailAddress, Event, EventId, User, UserEvent, UserId};

use crate::metrics::{self, DropReason};
use crate::refusals::{Attempt, Refusals};
use crate::templates::{MailContent, TemplateError, Templates};

/// How codes are issued. Must be what activation expects.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryOptions {
    /// How many digits a code has.
    pub code_length: CodeLength,
    /// How long a code counts from the acceptance of its mail.
    pub window: Duration,
    /// How many guesses a code allows.
    pub attempts: u32,
}

/// Handles the events that need a mail.
pub struct DeliverCode {
    /// Says whether a code is still wanted, and where to.
    pub users: Arc<dyn UserRepository>,
    /// Keeps the windows in which codes count.
    pub codes: Arc<dyn CodeStore>,
    /// Takes the mails.
    pub mailer: Arc<dyn Mailer>,
    /// Decides which mails that are not accepted are given up.
    pub refusals: Refusals,
    /// Tells the time.
    pub ids: Arc<dyn IdSource>,
    /// Derives the codes.
    pub key: Arc<CodeKey>,
    /// Writes the mails.
    pub templates: Templates,
    /// How codes are issued.
    pub options: DeliveryOptions,
}

/// What came of an event.
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
            UserEvent::UserActivated { .. } => return Ok(()),
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
        if let Some(reason) = self.open_window(issue).await? {
            return Ok(Outcome::Dropped(reason));
        }
        let content = self.templates.code(&self.key.derive(issue, self.options.code_length))?;
        let message_id = format!("{}.{}", issue.user_id, issue.number);
        if let Err(error) = self.send(event, &mail_to(user.email(), message_id, content)).await {
            self.release_address_if_undeliverable(issue, &error).await?;
            return Err(error.into());
        }
        self.restart_window(issue).await?;
        Ok(Outcome::Sent { kind: "code", to: user.email().clone() })
    }

    /// Gives the code its whole window, or says why it is dead.
    async fn open_window(&self, issue: CodeIssue) -> Result<Option<DropReason>, CodeStoreError> {
        let DeliveryOptions { window, attempts, .. } = self.options;
        Ok(match self.codes.open(issue, window, attempts).await? {
            Opening::Opened => None,
            Opening::Superseded => Some(DropReason::Superseded),
            Opening::Consumed => Some(DropReason::Consumed),
        })
    }

    /// The mail is on its way: what it took so far is not taken from the recipient's time. A code that was
    /// used or replaced while its mail was being accepted has no minute to start.
    async fn restart_window(&self, issue: CodeIssue) -> Result<(), DeliveryError> {
        if self.open_window(issue).await?.is_none() {
            self.users.hold_address(issue, self.options.window).await?;
        }
        Ok(())
    }

    /// A mail that can never be delivered must not keep its address from anybody: it is freed before the
    /// event is set aside.
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
        let message_id = format!("{user_id}.{}", event.id.as_uuid());
        let content = self.templates.registration_repeated()?;
        self.send(event, &mail_to(user.email(), message_id, content)).await?;
        Ok(Outcome::Sent { kind: "registration_repeated", to: user.email().clone() })
    }

    async fn send(&self, event: &Event, mail: &Mail) -> Result<(), MailError> {
        let sent = self.mailer.send(mail).await;
        let now = EventId::from_uuid(self.ids.next_id()).happened_at().unwrap_or_default();
        self.refusals.judge(Attempt { event: event.id, domain: mail.to.domain(), now }, sent)
    }

    /// Failures are only counted here: whoever delivers the events logs them, with what becomes of them.
    fn record(&self, event: &Event, outcome: &Result<Outcome, DeliveryError>) {
        let (user_id, trace_id) = (event.kind.user_id(), event.trace.trace_id());
        match outcome {
            Ok(Outcome::Sent { kind, to }) => {
                metrics::count_sent(kind, event.id, self.ids.as_ref());
                let to = to.masked();
                tracing::info!(event = "mail.sent", %user_id, trace_id, kind, to, "the mail server accepted a mail");
            }
            Ok(Outcome::Dropped(reason)) => {
                metrics::count_dropped(*reason);
                let reason = reason.as_str();
                tracing::info!(event = "mail.dropped", %user_id, trace_id, reason, "the mail is no longer needed");
            }
            Err(error) => metrics::count_failed(if error.is_transient() { "transient" } else { "permanent" }),
        }
    }
}

/// The user, if this code of theirs is still waited for.
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
    let MailContent { subject, text, html } = content;
    Mail { message_id, to: to.clone(), subject, text, html }
}

/// Why an event was not dealt with.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    CodeStore(#[from] CodeStoreError),
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl DeliveryError {
    fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Repository(RepositoryError::Unavailable(_))
                | Self::CodeStore(_)
                | Self::Mail(MailError::Transient(_) | MailError::Refused(_))
        )
    }
}

impl From<DeliveryError> for HandleError {
    fn from(error: DeliveryError) -> Self {
        if error.is_transient() { Self::Transient(error.into()) } else { Self::Permanent(error.into()) }
    }
}
