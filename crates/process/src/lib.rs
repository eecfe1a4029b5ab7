//! What the main functions of all binaries share: the start, logs and metrics, health, the
//! operator's listener and the shutdown.
//!
//! Knows no use case and no adapter.
#![warn(clippy::print_stdout, clippy::print_stderr)] // They panic where nobody reads: see process::output.

mod build;
pub mod dead_letters;
pub mod descriptors;
pub mod doctor;
mod error;
pub mod health;
mod logs;
#[cfg(feature = "manual")]
pub mod manual;
pub mod metrics;
pub mod operator;
pub mod outbox;
mod output;
mod printing;
mod shutdown;
mod standard_error;
mod start;
pub mod suppressions;
mod threads;
pub mod users;

pub use build::Build;
pub use error::StartError;
pub use output::{greet, tell, write_output};
pub use printing::rfc3339;
pub use start::{Service, begin_command, install_crypto, run};
pub use threads::try_threads;
