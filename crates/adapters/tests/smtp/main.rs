//! The mailer against mail servers that behave, and many that do not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod connections;
mod conversation;
mod failures;
mod message;
mod security;
mod server;
