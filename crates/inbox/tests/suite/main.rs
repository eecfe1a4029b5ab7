//! The inbox from outside: real SMTP conversations, real HTTP requests. One executable, one link.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod api;
mod bounds;
mod charsets;
mod conversations;
mod events;
mod harness;
mod head;
mod isolation;
mod lifecycle;
