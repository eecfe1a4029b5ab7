//! The registration service as a library: the use cases, the REST API in front of them and the
//! relay that empties the outbox.
//!
//! Use cases, limits, relay and purge know `domain` and `spans` only. The builder of an [`http::AppState`]
//! chooses the database, cache and broker behind the ports; nothing in here may name one.
#![warn(clippy::print_stdout, clippy::print_stderr)] // They panic where nobody reads: see process::output.

pub mod admission;
pub mod api;
pub mod doctor;
pub mod http;
pub mod limits;
pub mod metrics;
pub mod outbox_relay;
pub mod password_policy;
pub mod purge;
pub mod settings;
pub mod use_cases;
