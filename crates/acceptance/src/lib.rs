//! The harness of the black-box tests: a running system, clients, mailboxes, a browser, and ways to
//! break things.
//!
//! Everything here speaks HTTP, SMTP or TCP to processes, or reads what they have stored; nothing
//! may call the product's code. The tests are the executables in `tests`:
//!
//! - a [`Journey`] is what a test of both deployments works with: a [`System`], a [`Client`] and a
//!   [`Mailbox`];
//! - a [`StandaloneCommand`] starts the standalone binary as a person does;
//! - a [`Program`] is any other program, with its arguments and its environment.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test ends at the first surprise"
)]

mod account;
pub mod browser;
mod environment;
mod http;
mod journey;
mod mail;
mod process;
pub mod prometheus;
mod standalone;
pub mod statistics;
pub mod stores;
mod system;
mod webhook;

pub use account::Account;
pub use environment::{binary, installed_program, required, runtime, target_directory};
pub use http::{Client, Product, RawConnection, Reply, Secrets, http_client};
pub use journey::{Coverage, Journey, TooLate, run, within_window};
pub use mail::{Delivery, Mail, MailGate, Mailbox, Verdict};
pub use process::{Finished, Output, Process, Program, Service};
pub use standalone::{Standalone, StandaloneCommand};
pub use system::{Addresses, Deployment, PRODUCT_TOKEN, Servers, Setup, System};
pub use webhook::webhook_signature;
