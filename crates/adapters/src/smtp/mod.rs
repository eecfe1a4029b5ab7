//! Mail over SMTP (RFC 5321), on kept-alive connections.
//!
//! What a refusal means depends on its code and status (`error`): only a refusal of this recipient
//! or this mail is final; a failure that concerns us or the server is retried. A refusal before the
//! recipient is named is one of everybody.
//!
//! lettre's `tracing` feature must stay off: it logs whole conversations, mails and passwords
//! included.

mod composer;
mod connector;
mod diagnosis;
mod dkim;
mod enhanced_status;
mod error;
mod mailer;
mod options;
mod pool;
mod reply;
mod reply_stream;
mod session;
mod starttls;
mod tls_stream;

pub use diagnosis::diagnose;
pub use dkim::DkimKeyError;
pub use mailer::SmtpMailer;
pub use options::{DkimOptions, SmtpCredentials, SmtpOptions, SmtpOptionsError, SmtpTls};
