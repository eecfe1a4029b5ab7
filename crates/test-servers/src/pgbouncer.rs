//! A private PgBouncer in front of a PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::ServerError;
use crate::ports::free_ports;
use crate::postgres::Postgres;
use crate::process::{Signal, find_program, tied_to_us};
use crate::readiness::Greeting;
use crate::server::{Recipe, Server};

/// A pooler that gives each transaction a session, and keeps none for a client.
#[derive(Debug)]
pub struct PgBouncer {
    /// What it has in common with the others.
    pub server: Server,
}

impl PgBouncer {
    /// The package of Debian and Ubuntu that brings it.
    pub const PACKAGE: &str = "pgbouncer";

    /// Where its program is, if it is installed.
    pub fn program() -> Option<PathBuf> {
        find_program("pgbouncer", &["/usr/sbin".into()])
    }

    /// Starts one in front of `server`, which is written as in the configuration of `PgBouncer`
    /// (`host=… port=… user=…`), with so many sessions per database, and its files in `folder`, which
    /// exists; it need not be ready yet. Where root calls this, it runs as the user `postgres`, who
    /// must be able to reach `folder`.
    pub fn start(folder: &Path, server: &str, sessions: u16) -> Result<Self, ServerError> {
        let program = Self::program()
            .ok_or(ServerError::NotInstalled { program: "pgbouncer", package: Self::PACKAGE })?;
        let [port] = free_ports()?;
        let configuration = folder.join("pgbouncer.ini");
        let text = format!(
            "[databases]\n\
             * = {server}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             pool_mode = transaction\n\
             default_pool_size = {sessions}\n"
        );
        fs::write(&configuration, text)
            .map_err(|source| ServerError::Folder { path: configuration.clone(), source })?;
        let mut command = tied_to_us(Postgres::user(), "KILL", &program);
        command.arg("--quiet").arg(&configuration);
        let recipe = Recipe {
            name: "PgBouncer",
            url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            port,
            greeting: Greeting { send: Postgres::startup_message(), answer: b'R' },
            command,
            // Ends at once, whoever is connected.
            stop_signal: Signal::TERM,
        };
        Ok(Self { server: Server::start(recipe, folder)? })
    }
}
