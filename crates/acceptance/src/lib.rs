//! What the journeys stand on: a running system, a client, a mailbox, and the ways to break things.
//!
//! Everything here speaks HTTP, SMTP or TCP to processes; nothing may reach into the product's code.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test ends at the first surprise"
)]

mod account;
mod client;
mod deployment;
mod environment;
mod inbox;
mod journey;
mod logs;
mod mail_gate;
mod mailbox;
mod port;
mod process;
mod proxy;
mod raw_http;
mod reply;
mod setup;
mod statistics;
mod stores;
mod system;
mod wait;
mod window;

pub use account::{Account, unique};
pub use client::{Client, Secrets};
pub use deployment::{Addresses, Deployment, Servers};
pub use environment::{binary, runtime};
pub use journey::{Coverage, Journey, run};
pub use logs::Logs;
pub use mail_gate::{Delivery, MailGate, Verdict};
pub use mailbox::{Mail, Mailbox};
pub use port::free_port;
pub use process::Process;
pub use proxy::Proxy;
pub use raw_http::RawConnection;
pub use reply::Reply;
pub use setup::Setup;
pub use statistics::{interleaved, mann_whitney, median};
pub use stores::{
    Tap, age_registration, data_directory, data_files, postgres, postgres_tables, redis_entries,
};
pub use system::System;
pub use wait::eventually;
pub use window::{TooLate, in_time};
