//! Mails the codes: takes events, opens the window in which a code counts, and hands the mail to a mail
//! server. Knows the domain only; which broker, database and server are behind it is the binary's business.
#![warn(clippy::print_stdout, clippy::print_stderr)] // They panic where nobody reads: see process::output.

mod deliver_code;
mod metrics;
mod refusals;
pub mod settings;
mod templates;

pub use deliver_code::{DeliverCode, DeliveryOptions};
pub use metrics::describe_metrics;
pub use refusals::Refusals;
pub use templates::{MailContent, TemplateError, TemplateOptions, Templates};
