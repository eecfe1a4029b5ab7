//! The mailer against mail servers that behave, and many that do not.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod client;
mod connections;
mod diagnosis;
mod failures;
mod fixtures;
mod message;
mod pipelining;
mod replies;
mod security;
mod signatures;
