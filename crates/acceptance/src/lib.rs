//! What the journeys stand on: a running system, a client, a mailbox, and the ways to break things.
//!
//! Everything here speaks HTTP, SMTP or TCP to processes; nothing may reach into the product's code.

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

pub(crate) use account::{Account, unique};
pub(crate) use client::{Client, Secrets};
pub(crate) use deployment::Deployment;
pub(crate) use environment::{binary, runtime};
pub(crate) use journey::{Coverage, Journey, journeys, run};
pub(crate) use mail_gate::Verdict;
pub(crate) use port::free_port;
pub(crate) use process::Process;
pub(crate) use raw_http::RawConnection;
pub(crate) use reply::Reply;
pub(crate) use setup::Setup;
pub(crate) use statistics::{interleaved, mann_whitney, median};
pub(crate) use stores::{
    Tap, age_registration, data_directory, data_files, postgres, postgres_tables, redis_entries,
};
pub(crate) use wait::eventually;
pub(crate) use window::{TooLate, in_time};
