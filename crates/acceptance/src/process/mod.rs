//! Starts every process of these tests: the product's binaries and the tools that check them.
//!
//! A [`Program`] is what to start, a [`Process`] one that runs, and a [`Service`] a program that
//! becomes ready, is killed and starts again. No process outlives the tests: see
//! [`Program::spawn`].

mod output;
mod program;
mod running;
mod service;

pub use output::Output;
pub use program::{Finished, Program};
pub use running::Process;
pub use service::Service;
