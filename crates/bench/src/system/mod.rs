//! What is measured: the services with their servers, and the mail server that takes their mails.

mod database;
mod deployment;
mod servers;
mod service;
mod sink;
mod usage;

pub use database::Database;
pub use deployment::{Deployment, Plan, USERS};
pub use servers::Servers;
pub use service::Service;
pub use sink::{Mail, Sink};
pub use usage::{PARTS, Part, Usage};
