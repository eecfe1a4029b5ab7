//! What an operator sets about the mail server, and what of it is refused at the start.

use std::time::Duration;

use secrecy::SecretString;

/// How to reach the mail server and in whose name to send.
#[derive(Clone, Debug)]
pub struct SmtpOptions {
    /// The server's name, which its certificate must carry, or its IP address.
    pub host: String,
    /// 25, 587 (submission) or 465 (submission over TLS) by convention.
    pub port: u16,
    /// When the conversation is encrypted.
    pub tls: SmtpTls,
    /// `None` where the server asks for none. Without TLS they travel readable.
    pub credentials: Option<SmtpCredentials>,
    /// The sender's name as people read it.
    pub from_name: String,
    /// The sender's address, which bounces go to as well.
    pub from_address: String,
    /// The right part of every Message-ID, and the name this client greets the server with: a domain
    /// of the sender's.
    pub message_id_domain: String,
    /// The longest that it may take until the server wants the content of a mail, connecting included.
    pub timeout: Duration,
    /// The longest that the server may take to accept the content. Too short, and a slow server is sent the same mail
    /// again and again: RFC 5321 section 4.5.3.2.6 asks for ten minutes.
    pub acceptance_timeout: Duration,
    /// How many connections are kept for the next mails; more are opened while more are needed.
    pub connections: usize,
    /// The age from which an unused connection is not used again. Shorter than the server's own limit (RFC 5321 section
    /// 4.5.3.2.7: five minutes) and than what firewalls on the way forget.
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

/// Why options are refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SmtpOptionsError {
    /// Not an e-mail address.
    #[error("the sender's address is not an e-mail address")]
    FromAddress,
    /// Not a domain name.
    #[error("the Message-ID domain is not a domain name")]
    MessageIdDomain,
    /// The TLS library refuses the server's name.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}
