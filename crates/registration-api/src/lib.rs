//! The registration service as a library: the use cases, the REST API in front of them and the relay that
//! empties the outbox.
//!
//! Knows `domain` only. Which database, cache or broker stands behind a port is chosen by whoever builds an
//! [`http::AppState`]; nothing in here may name one.
#![warn(clippy::print_stdout, clippy::print_stderr)] // They panic where nobody reads: see process::output.

pub mod api;
pub mod http;
pub mod limits;
pub mod outbox_relay;
pub mod password_policy;
pub mod purge;
pub mod settings;
pub mod use_cases;

mod metrics;

pub use metrics::describe_metrics;
