//! How servers misbehave that the run itself plays: the mail server and the webhook's receiver.

use std::fmt;

/// What the mail server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailFault {
    /// Answers 421 and hangs up.
    NotAvailable,
    /// Refuses each mail for the time being, with 451.
    TemporaryRefusal,
    /// Refuses the first attempt at each mail, and accepts the next.
    Greylisting,
    /// Accepts the mail and never says so.
    AcceptsInSilence,
    /// Accepts the mail and hangs up before it says so.
    AcceptsAndCloses,
    /// Hangs up when the content is about to come.
    ClosesAfterData,
    /// Accepts mails, but takes seconds for it.
    Slow,
    /// Never answers the connection, EHLO, MAIL, RCPT, DATA or the content.
    Hangs(&'static str),
}

/// The moments at which a mail server may hang.
pub const PHASES: [&str; 6] = ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "CONTENT"];

impl MailFault {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let others = [
            Self::NotAvailable,
            Self::TemporaryRefusal,
            Self::Greylisting,
            Self::AcceptsInSilence,
            Self::AcceptsAndCloses,
            Self::ClosesAfterData,
            Self::Slow,
        ];
        PHASES.map(Self::Hangs).into_iter().chain(others)
    }
}

/// What the webhook's receiver does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WebhookFault {
    /// Takes nothing and answers with this status.
    Status(u16),
    /// Takes nothing and never answers.
    Hangs,
    /// Takes nothing and hangs up.
    Closes,
    /// Takes the event and never says so.
    TakesInSilence,
    /// Takes the event and hangs up before it says so.
    TakesAndCloses,
    /// Takes events, but needs a second for it.
    Slow,
}

impl WebhookFault {
    /// 400 refuses one event, 503 is about all, and 500 may be either.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let others =
            [Self::Hangs, Self::Closes, Self::TakesInSilence, Self::TakesAndCloses, Self::Slow];
        [400, 500, 503].map(Self::Status).into_iter().chain(others)
    }
}

impl fmt::Display for MailFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAvailable => f.write_str("421"),
            Self::TemporaryRefusal => f.write_str("451"),
            Self::Greylisting => f.write_str("greylisting"),
            Self::AcceptsInSilence => f.write_str("accepts, then hangs"),
            Self::AcceptsAndCloses => f.write_str("accepts, then closes"),
            Self::ClosesAfterData => f.write_str("closes after DATA"),
            Self::Slow => f.write_str("slow"),
            Self::Hangs(phase) => write!(f, "hangs at {phase}"),
        }
    }
}

impl fmt::Display for WebhookFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Hangs => f.write_str("hangs"),
            Self::Closes => f.write_str("closes"),
            Self::TakesInSilence => f.write_str("takes, then hangs"),
            Self::TakesAndCloses => f.write_str("takes, then closes"),
            Self::Slow => f.write_str("slow"),
        }
    }
}
