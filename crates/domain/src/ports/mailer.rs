//! How mails are sent.

use async_trait::async_trait;

use super::source::Source;
use crate::email_address::EmailAddress;

/// Sends mails through a mail server.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Returns once the server has accepted responsibility for the mail (RFC 5321 section 6.1).
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;

    /// Whether the server answers.
    async fn ping(&self) -> Result<(), MailError>;
}

/// A mail to one person, in two alternative forms (RFC 2046 section 5.1.4).
#[derive(Clone)]
pub struct Mail {
    /// The left part of the Message-ID: the same for every attempt at the same mail, so that the
    /// recipient's server can recognise a duplicate (RFC 5322 section 3.6.4).
    pub message_id: String,
    /// The recipient.
    pub to: EmailAddress,
    /// The language of its texts, as a tag of BCP 47.
    pub language: String,
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
}

/// Why a mail was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It may be accepted later: no connection, a timeout, or a temporary refusal.
    #[error("the mail server does not accept the mail for now")]
    Transient(#[source] Source),
    /// The sender was refused before the server knew the recipient: with the same reply it would
    /// refuse a mail to anybody.
    #[error("the mail server refuses the sender")]
    SenderRefused(#[source] Source),
    /// It was refused, but not clearly because of this mail or its recipient: a server that blames
    /// the sender or itself may accept it later.
    #[error("the mail server refuses the mail for now")]
    Refused(#[source] Source),
    /// It will never be accepted: this mail or its recipient was refused.
    #[error("the mail server refuses the mail")]
    Permanent(#[source] Source),
}
