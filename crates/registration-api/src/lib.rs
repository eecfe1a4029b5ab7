//! The registration service as a library: the use cases, the REST API in front of them and the relay that
//! empties the outbox.
//!
//! Knows `domain` only. Which database, cache or broker stands behind a port is chosen by whoever builds an
//! [`AppState`]; nothing in here may name one.

pub mod http;
pub mod limits;
pub mod outbox_relay;
pub mod password_policy;
pub mod purge;
pub mod run;
pub mod settings;
pub mod use_cases;

mod app_state;
mod metrics;

pub use app_state::{AppState, Options, Ports};
pub use metrics::describe_metrics;
