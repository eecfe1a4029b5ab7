//! `doctor`: everything that can be checked before or beside the running service, one line each.
//!
//! The command of each binary knows which checks there are; this knows how to run them, and what
//! their findings look like. A check changes nothing that lasts and says no secret.

mod code_key;
mod command;
mod examination;
mod listener;
mod report;
mod settings_check;
mod settings_finding;

pub use command::DoctorCommand;
pub use examination::Examination;
