//! Mails the codes: takes events, opens each code's window, and hands the mail to a mail server.
//! Depends on the domain's ports only; the binary chooses the broker, the stores and the mail
//! server.
#![warn(clippy::print_stdout, clippy::print_stderr)] // They panic where nobody reads: see process::output.

mod deliver_code;
pub mod metrics;
mod refusals;
mod sending_lease;
pub mod settings;
mod templates;
mod watched_mailer;

pub use deliver_code::{DeliverCode, DeliveryOptions};
pub use refusals::Refusals;
pub use templates::{MailContent, TemplateError, TemplateOptions, Templates};
pub use watched_mailer::WatchedMailer;
