//! What these tests stand on: standalone processes, and the journeys' own client, mailbox and patience.
//!
//! Shared with the executables `cost` and `pages`; each of the three uses its part of it.
#![allow(dead_code, unused_imports, reason = "three executables use this, none of them all of it")]

#[path = "../../../src/account.rs"]
mod account;
#[path = "../../../src/client.rs"]
mod client;
#[path = "../../../src/environment.rs"]
mod environment;
mod http_client;
#[path = "../../../src/mailbox.rs"]
mod mailbox;
mod output;
#[path = "../../../src/port.rs"]
mod port;
mod program;
#[path = "../../../src/reply.rs"]
mod reply;
mod standalone;
#[path = "../../../src/wait.rs"]
mod wait;

pub(crate) use account::{Account, unique};
pub(crate) use client::{Client, Secrets};
pub(crate) use environment::binary;
pub(crate) use http_client::http_client;
pub(crate) use mailbox::Mailbox;
pub(crate) use port::free_port;
pub(crate) use program::Program;
pub(crate) use standalone::{Standalone, Start};
pub(crate) use wait::{PATIENCE, eventually};
