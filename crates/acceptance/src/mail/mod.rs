//! The mail server that the product sends through, and the inbox behind it.

mod inbox;
mod mail_gate;
mod mailbox;

pub(crate) use inbox::start_inbox;
pub use mail_gate::{Delivery, MailGate, Verdict};
pub use mailbox::{Mail, Mailbox};
