//! What the main functions of all binaries share: the start, logs and metrics, health, the operator's listener
//! and the shutdown.
//!
//! Knows no use case and no adapter.

pub mod dead_letters;
pub mod health;
mod logs;
mod metrics;
pub mod operator;
mod shutdown;
mod start;

pub use start::{Service, StartError, begin_command, install_crypto, run};
