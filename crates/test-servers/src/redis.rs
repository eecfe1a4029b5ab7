//! A private Redis.

use std::path::{Path, PathBuf};

use crate::error::ServerError;
use crate::ports::free_ports;
use crate::process::{Signal, find_program, tied_to_us};
use crate::readiness::Greeting;
use crate::server::{Recipe, Server, Storage};

/// A Redis server.
#[derive(Debug)]
pub struct Redis {
    /// What it has in common with the others.
    pub server: Server,
}

impl Redis {
    /// The package of Debian and Ubuntu that brings it.
    pub const PACKAGE: &str = "redis-server";

    /// Where its program is, if it is installed.
    pub fn program() -> Option<PathBuf> {
        find_program("redis-server", &[])
    }

    /// Starts one with its data in `folder`, which exists; it need not be ready yet.
    pub fn start(folder: &Path, storage: Storage) -> Result<Self, ServerError> {
        let program = Self::program()
            .ok_or(ServerError::NotInstalled { program: "redis-server", package: Self::PACKAGE })?;
        let [port] = free_ports()?;
        let mut command = tied_to_us(None, "TERM", &program);
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--daemonize", "no"]);
        command.args(["--save", "", "--dir"]).arg(folder);
        match storage {
            Storage::Disposable => command.args(["--appendonly", "no"]),
            // As compose.yaml has it.
            Storage::Durable => command.args(["--appendonly", "yes", "--appendfsync", "everysec"]),
        };
        let recipe = Recipe {
            name: "Redis",
            url: format!("redis://127.0.0.1:{port}/"),
            port,
            greeting: Greeting { send: b"PING\r\n".to_vec(), answer: b'+' },
            command,
            stop_signal: Signal::TERM,
        };
        Ok(Self { server: Server::start(recipe, folder)? })
    }
}
