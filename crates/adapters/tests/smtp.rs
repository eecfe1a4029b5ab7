//! The mailer against mail servers that behave, and many that do not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "smtp/client.rs"]
mod client;
#[path = "smtp/connections.rs"]
mod connections;
#[path = "smtp/conversation.rs"]
mod conversation;
#[path = "smtp/failures.rs"]
mod failures;
#[path = "smtp/message.rs"]
mod message;
#[path = "smtp/security.rs"]
mod security;
#[path = "smtp/server.rs"]
mod server;
