//! How a server behaves, as the test writes it.

use std::time::Duration;

/// A verb, or CONNECT (the greeting), USERNAME and PASSWORD (the prompts of AUTH LOGIN), MID-DATA
/// (each line of content), CONTENT (the end of it).
pub type Moment<'a> = &'a str;

/// What the server does at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The usual reply.
    Normal,
    /// Another reply; it may have several lines.
    Reply(String),
    /// These bytes and no others, line end included.
    Raw(Vec<u8>),
    /// The usual reply, late.
    ReplyAfter(Duration),
    /// Another reply, after which the connection ends.
    ReplyAndDrop(String),
    /// The connection ends.
    Drop,
    /// The client waits in vain.
    Hang,
    /// At CONTENT: the mail is accepted, and the client waits for its reply in vain.
    AcceptAndHang,
    /// At CONTENT: the mail is accepted, and the connection ends without a reply.
    AcceptAndDrop,
}

impl Act {
    /// Whether the client's request fails: replies 2yz and 3yz are positive (RFC 5321 section
    /// 4.2.1).
    pub(super) fn refuses(&self) -> bool {
        match self {
            Self::Normal | Self::ReplyAfter(_) | Self::AcceptAndHang | Self::AcceptAndDrop => false,
            Self::Reply(reply) => !reply.starts_with(['2', '3']),
            Self::Raw(reply) => !reply.starts_with(b"2") && !reply.starts_with(b"3"),
            Self::ReplyAndDrop(_) | Self::Drop | Self::Hang => true,
        }
    }
}

/// Which moment it is: the connection's number and how many mails came over it, both from 0.
#[derive(Clone, Copy)]
pub struct When<'a> {
    /// What the client has just done.
    pub moment: Moment<'a>,
    /// The number of the connection.
    pub connection: usize,
    /// How many mails came over the connection before.
    pub mails: usize,
    /// The last recipient that was named, if any.
    pub recipient: Option<&'a str>,
}

/// How a conversation is encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    None,
    /// From STARTTLS on.
    Start,
    /// From the first byte on.
    Implicit,
}

/// Who may send mail.
pub struct Login {
    /// What AUTH is announced with.
    pub mechanism: &'static str,
    /// The name that is expected.
    pub username: &'static str,
    /// The password that is expected.
    pub password: &'static str,
}

pub(super) type Script = Box<dyn Fn(When<'_>) -> Act + Send + Sync>;

/// A server that is not running yet.
#[must_use]
pub struct Server {
    pub(super) script: Script,
    pub(super) tls: Tls,
    pub(super) login: Option<Login>,
    pub(super) idle_limit: Option<Duration>,
    pub(super) pipelines: bool,
}

impl Server {
    /// A server that behaves except as `script` says.
    pub fn new(script: impl Fn(When<'_>) -> Act + Send + Sync + 'static) -> Self {
        let (tls, login, idle_limit, pipelines) = (Tls::None, None, None, false);
        Self { script: Box::new(script), tls, login, idle_limit, pipelines }
    }

    /// A server that accepts everything.
    pub fn well_behaved() -> Self {
        Self::new(|_| Act::Normal)
    }

    /// Encrypts conversations.
    pub fn tls(self, tls: Tls) -> Self {
        Self { tls, ..self }
    }

    /// Accepts no mail without a login.
    pub fn login(self, login: Login) -> Self {
        Self { login: Some(login), ..self }
    }

    /// Offers to take several commands at once (RFC 2920), or does not.
    pub fn pipelining(self, pipelines: bool) -> Self {
        Self { pipelines, ..self }
    }

    /// Hangs up on a client that is silent for so long.
    pub fn idle_limit(self, limit: Duration) -> Self {
        Self { idle_limit: Some(limit), ..self }
    }
}
