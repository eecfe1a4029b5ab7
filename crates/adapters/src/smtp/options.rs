//! The settings of the mail server, and which values are refused at the start.

use std::time::Duration;

use secrecy::SecretString;

use super::dkim::DkimKeyError;

/// How to reach the mail server, and who the sender is.
#[derive(Clone, Debug)]
pub struct SmtpOptions {
    /// The server's name, which its certificate must carry, or its IP address.
    pub host: String,
    /// 25, 587 (submission) or 465 (submission over TLS) by convention.
    pub port: u16,
    /// When the conversation is encrypted.
    pub tls: SmtpTls,
    /// `None` if the server requires none. Without TLS they are sent in the clear.
    pub credentials: Option<SmtpCredentials>,
    /// The sender's name as people read it.
    pub from_name: String,
    /// The sender's address, which also receives bounces.
    pub from_address: String,
    /// The name (may be empty) and address that replies go to; `None` for the sender.
    pub reply_to: Option<(String, String)>,
    /// The right part of every Message-ID, and the name this client greets the server with: a
    /// domain of the sender's.
    pub message_id_domain: String,
    /// The keys that mails are signed with, each of which adds a signature.
    pub dkim: Vec<DkimOptions>,
    /// How long it may take until the server asks for the content of a mail, including connecting.
    pub timeout: Duration,
    /// How long the server may take to accept the content. If it is too short, a slow server gets
    /// the same mail again and again: RFC 5321 section 4.5.3.2.6 asks for ten minutes.
    pub acceptance_timeout: Duration,
    /// How many connections there are at most; further mails wait. Each is kept for the next mails.
    pub connections: usize,
    /// How long an idle connection may be reused. Must be shorter than the server's own timeout
    /// (RFC 5321 section 4.5.3.2.7: five minutes) and those of firewalls in between.
    pub idle_time: Duration,
}

/// When the conversation is encrypted. With TLS the server's certificate is always verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// Never: for a server on the same machine.
    None,
    /// From the STARTTLS command on (RFC 3207); a server that does not offer it gets no mail.
    StartTls,
    /// From the first byte (RFC 8314).
    Implicit,
}

/// A user of the mail server.
#[derive(Clone, Debug)]
pub struct SmtpCredentials {
    /// The user's name.
    pub username: String,
    /// The user's password.
    pub password: SecretString,
}

/// A key that mails are signed with (RFC 6376).
#[derive(Clone, Debug)]
pub struct DkimOptions {
    /// The name of the key: its public half is in the DNS at `selector._domainkey.domain`.
    pub selector: String,
    /// The domain that vouches for the mails.
    pub domain: String,
    /// RSA or Ed25519, in PEM form.
    pub private_key: SecretString,
}

/// Why options are refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SmtpOptionsError {
    /// Not an e-mail address.
    #[error("the sender's address is not an e-mail address")]
    FromAddress,
    /// It would break the line of a header.
    #[error("the sender's name must not contain control characters")]
    FromName,
    /// Not an e-mail address, or with a name that would break the line of a header.
    #[error(
        "it must be an e-mail address, or a name without control characters and an e-mail address in <>"
    )]
    ReplyTo,
    /// Not a part of a domain name.
    #[error("a DKIM selector is made of letters, digits and hyphens, with dots between")]
    DkimSelector,
    /// Not a domain name.
    #[error("the DKIM domain is not a domain name")]
    DkimDomain,
    /// Not a key, or not one to sign with.
    #[error(transparent)]
    DkimKey(#[from] DkimKeyError),
    /// Not a domain name.
    #[error("the Message-ID domain is not a domain name")]
    MessageIdDomain,
    /// The TLS library refuses the server's name.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}
