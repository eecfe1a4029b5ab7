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
pub mod browser;
mod environment;
mod http;
mod journey;
mod mail;
mod port;
mod process;
mod proxy;
mod standalone;
mod statistics;
mod stores;
mod system;
mod wait;

pub use account::{Account, unique};
pub use environment::{binary, runtime};
pub use http::{Client, RawConnection, Reply, Secrets, http_client};
pub use journey::{Coverage, Journey, TooLate, in_time, run};
pub use mail::{Delivery, Mail, MailGate, Mailbox, Verdict};
pub use port::free_port;
pub use process::{Logs, Output, Process, Program};
pub use proxy::Proxy;
pub use standalone::{Standalone, Start};
pub use statistics::{interleaved, mann_whitney, median};
pub use stores::{
    Tap, age_registration, data_directory, data_files, postgres, postgres_tables, redis_entries,
};
pub use system::{Addresses, Deployment, Servers, Setup, System};
pub use wait::{PATIENCE, eventually};
