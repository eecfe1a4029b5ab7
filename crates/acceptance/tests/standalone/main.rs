//! The standalone binary as a process: how it starts, what it refuses and how it ends. What it
//! costs is measured in an executable of its own, `cost`.
//!
//! Needs no server, only the binary in `TEST_BIN_DIR`.

mod backup;
mod descriptors;
mod doctor;
mod mail_server;
mod refusals;
mod shutdown;
mod signed_mails;
mod starts;
mod webhook_tls;
