//! Processes of the product and of the programs that the tests need.

mod logs;
mod output;
mod program;
mod service;

pub use logs::Logs;
pub use output::Output;
pub use program::Program;
pub use service::Process;
