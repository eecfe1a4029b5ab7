//! The inbox from outside: real SMTP conversations, real HTTP requests. One executable, one link.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod api;
mod bounds;
mod charsets;
mod conversations;
mod events;
mod harness;
mod head;
mod isolation;
mod lifecycle;
mod supervision;
