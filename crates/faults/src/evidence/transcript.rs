//! What a client has asked and been told.

use std::fmt;

use super::At;

/// What one client does with its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Story {
    /// Registers and activates.
    Activates,
    /// Asks for a second code before it activates.
    Resends,
    /// Guesses a few codes, in parallel, before it sends the right one.
    Guesses,
    /// Guesses in parallel until its code is used up, then asks for another.
    Exhausts,
    /// Does the same with one code after the other, until the address has no guesses left.
    ExhaustsAddress,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// To register the account.
    Register,
    /// To get another code.
    Resend,
    /// To activate the account with this code.
    Activate(String),
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An answer of the API.
    Status {
        /// The HTTP status.
        status: u16,
        /// The `code` of a problem document.
        problem: String,
        /// Its `detail`.
        detail: String,
        /// The `user_id` of a success.
        user: Option<String>,
    },
    /// Nobody was there to take the request.
    NotSent,
    /// No answer came: what became of the request is unknown.
    Lost(String),
}

impl Answer {
    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::NotSent | Self::Lost(_) => None,
        }
    }

    /// Whether the request may have been carried out although the client was not told so.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Status { status, .. } => *status >= 500,
            Self::Lost(_) => true,
            Self::NotSent => false,
        }
    }
}

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What was asked.
    pub request: Request,
    /// Which API was asked.
    pub api: usize,
    /// When the request was sent.
    pub sent: At,
    /// When the answer had come, or was given up.
    pub ended: At,
    /// What came back.
    pub answer: Answer,
}

impl Exchange {
    /// Whether it was answered with this status.
    pub fn has_status(&self, status: u16) -> bool {
        self.answer.status() == Some(status)
    }

    /// Whether the client was told that its account is active.
    pub fn says_active(&self) -> bool {
        match (&self.request, &self.answer) {
            (Request::Activate(_), Answer::Status { status: 200, .. }) => true,
            // `activate` says the same of a code that another request is using up.
            (Request::Resend, Answer::Status { problem, .. }) => problem == "already-active",
            _ => false,
        }
    }

    /// Whether the code was compared: the client learned whether it was right.
    pub fn was_compared(&self) -> bool {
        match (&self.request, &self.answer) {
            (Request::Activate(_), Answer::Status { status: 200, .. }) => true,
            (Request::Activate(_), Answer::Status { problem, detail, .. }) => {
                problem == "code-invalid" && !detail.contains("still on its way")
            }
            _ => false,
        }
    }
}

/// All that one client has asked and been told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The address of its account, which no other client knows.
    pub email: String,
    /// What it does.
    pub story: Story,
    /// In the order in which the answers came.
    pub exchanges: Vec<Exchange>,
}

impl History {
    /// The exchanges of registrations.
    pub fn registrations(&self) -> impl Iterator<Item = &Exchange> {
        self.exchanges.iter().filter(|exchange| exchange.request == Request::Register)
    }

    /// The exchanges of requests for another code.
    pub fn resends(&self) -> impl Iterator<Item = &Exchange> {
        self.exchanges.iter().filter(|exchange| exchange.request == Request::Resend)
    }

    /// The exchanges of activations, each with its code.
    pub fn activations(&self) -> impl Iterator<Item = (&str, &Exchange)> {
        self.exchanges.iter().filter_map(|exchange| match &exchange.request {
            Request::Activate(code) => Some((code.as_str(), exchange)),
            _ => None,
        })
    }

    /// Whether the client has read 201.
    pub fn is_accepted(&self) -> bool {
        self.registrations().any(|exchange| exchange.has_status(201))
    }

    /// How many codes may have been issued until a moment: those that were asked for with success,
    /// and those of which that is unknown.
    pub fn codes_until(&self, moment: At) -> usize {
        let is_possible = |exchange: &&Exchange| {
            exchange.sent <= moment
                && (exchange.answer.is_unknown() || exchange.answer.status() < Some(300))
                && exchange.answer != Answer::NotSent
        };
        self.registrations().chain(self.resends()).filter(is_possible).count()
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register => f.write_str("register"),
            Self::Resend => f.write_str("resend-code"),
            Self::Activate(code) => write!(f, "activate {code}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { status, problem, detail, user } => {
                write!(f, "{status} {problem}{}", user.as_deref().unwrap_or_default())?;
                if detail.is_empty() { Ok(()) } else { write!(f, " ({detail})") }
            }
            Self::NotSent => f.write_str("nobody there"),
            Self::Lost(error) => write!(f, "no answer ({error})"),
        }
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, api, sent, ended, answer } = self;
        let (sent, ended) = (sent.as_secs_f64(), ended.as_secs_f64());
        write!(f, "{sent:9.3} to {ended:9.3}  API {}: {request} -> {answer}", api + 1)
    }
}
