//! A private Redis, alone, in a cluster or under Sentinel.

mod cluster;
mod sentinel;

pub use cluster::RedisCluster;
pub use sentinel::RedisSentinel;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::ServerError;
use crate::ports::free_ports;
use crate::process::{Signal, find_program, text, tied_to_us};
use crate::readiness::Greeting;
use crate::server::{Recipe, Server, Storage};
use crate::tool;

/// As compose.yaml has it.
const MAX_MEMORY: &str = "192mb";

/// A Redis server.
#[derive(Debug)]
pub struct Redis {
    /// What it has in common with the others.
    pub server: Server,
}

impl Redis {
    /// The package of Debian and Ubuntu that brings it.
    pub const PACKAGE: &str = "redis-server";

    /// Names another program that is to be used instead of Redis's, such as that of Valkey.
    pub const PROGRAM_VARIABLE: &str = "TEST_REDIS_SERVER";

    /// Where its program is, if it is installed.
    pub fn program() -> Option<PathBuf> {
        match std::env::var_os(Self::PROGRAM_VARIABLE) {
            Some(program) if !program.is_empty() => Some(program.into()),
            _ => find_program("redis-server", &[]),
        }
    }

    /// The same; an error if it is not installed.
    pub fn installed() -> Result<PathBuf, ServerError> {
        let package = Self::PACKAGE;
        Self::program().ok_or(ServerError::NotInstalled { program: "redis-server", package })
    }

    /// Starts one with its data in `folder`, which exists; it need not be ready yet.
    pub fn start(folder: &Path, storage: Storage) -> Result<Self, ServerError> {
        let [port] = free_ports()?;
        Self::start_with(&Self::installed()?, port, folder, storage, &[])
    }

    /// Starts another program than the installed one, which has to take the same arguments.
    pub fn start_program(
        program: &Path,
        folder: &Path,
        storage: Storage,
    ) -> Result<Self, ServerError> {
        let [port] = free_ports()?;
        Self::start_with(program, port, folder, storage, &[])
    }

    /// Starts one with further arguments.
    fn start_with(
        program: &Path,
        port: u16,
        folder: &Path,
        storage: Storage,
        arguments: &[String],
    ) -> Result<Self, ServerError> {
        let mut command = tied_to_us(None, "TERM", program);
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--daemonize", "no"]);
        command.args(["--maxmemory", MAX_MEMORY, "--maxmemory-policy", "noeviction"]);
        command.args(["--save", "", "--dir"]).arg(folder).args(arguments);
        match storage {
            Storage::Disposable => command.args(["--appendonly", "no"]),
            // As compose.yaml has it.
            Storage::Durable => command.args(["--appendonly", "yes", "--appendfsync", "everysec"]),
        };
        let url = format!("redis://127.0.0.1:{port}/");
        Ok(Self { server: Server::start(recipe("Redis", url, port, command), folder)? })
    }

    /// Deletes everything.
    pub fn empty(&self) -> Result<(), ServerError> {
        self.order(&["FLUSHALL"])
    }

    /// Leaves it no memory for anything new: it refuses every write that needs some.
    pub fn take_memory(&self) -> Result<(), ServerError> {
        self.order(&["CONFIG", "SET", "maxmemory", "1"])
    }

    /// Ends what `take_memory` began.
    pub fn give_memory_back(&self) -> Result<(), ServerError> {
        self.order(&["CONFIG", "SET", "maxmemory", MAX_MEMORY])
    }

    /// Makes it a replica, which refuses every write. From a primary that can be reached it gets
    /// that one's data instead of its own.
    pub fn become_replica_of(&self, primary: SocketAddr) -> Result<(), ServerError> {
        self.order(&["REPLICAOF", &primary.ip().to_string(), &primary.port().to_string()])
    }

    /// Makes it a primary again, with the data that it has.
    pub fn become_primary(&self) -> Result<(), ServerError> {
        self.order(&["REPLICAOF", "NO", "ONE"])
    }

    /// How many clients are connected, beside the one that asks.
    pub fn connections(&self) -> Result<u64, ServerError> {
        Ok(self.info("clients", "connected_clients")?.saturating_sub(1))
    }

    /// The memory in bytes that its own limit is about.
    pub fn memory(&self) -> Result<u64, ServerError> {
        self.info("memory", "used_memory")
    }

    /// Changes a setting until it is started again.
    pub fn configure(&self, name: &str, value: &str) -> Result<(), ServerError> {
        self.order(&["CONFIG", "SET", name, value])
    }

    /// Which Valkey it is; empty if it is none.
    pub fn valkey_version(&self) -> Result<String, ServerError> {
        let info = self.ask(&["INFO", "server"])?;
        Ok(field(&info, "valkey_version").unwrap_or_default().to_owned())
    }

    /// A number that `INFO` tells.
    fn info(&self, section: &str, name: &str) -> Result<u64, ServerError> {
        let command = self.cli(&["INFO", section]);
        let info = tool::output(&command)?;
        match field(&info, name).map(str::parse) {
            Some(Ok(value)) => Ok(value),
            _ => Err(ServerError::Tool { command: text(&command), problem: info.clone() }),
        }
    }

    /// A command whose only answer is OK.
    fn order(&self, command: &[&str]) -> Result<(), ServerError> {
        let command = self.cli(command);
        match tool::output(&command)? {
            answer if answer.starts_with("OK") => Ok(()),
            // Errors do not change how redis-cli ends.
            problem => Err(ServerError::Tool { command: text(&command), problem }),
        }
    }

    /// What it answers, as redis-cli prints it.
    fn ask(&self, command: &[&str]) -> Result<String, ServerError> {
        tool::output(&self.cli(command))
    }

    fn cli(&self, arguments: &[&str]) -> Command {
        cli(self.server.port(), arguments)
    }
}

/// What `INFO` tells of something.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let lines = info.lines().filter_map(|line| line.trim_end().split_once(':'));
    lines.filter(|(field, _)| *field == name).map(|(_, value)| value).next()
}

/// Makes a folder for the data of one of several.
fn folder_in(parent: &Path, name: &str) -> Result<PathBuf, ServerError> {
    let path = parent.join(name);
    match std::fs::create_dir(&path) {
        Ok(()) => Ok(path),
        Err(source) => Err(ServerError::Folder { path, source }),
    }
}

fn recipe(name: &'static str, url: String, port: u16, command: Command) -> Recipe {
    let greeting = Greeting { send: b"PING\r\n".to_vec(), answer: b'+' };
    Recipe { name, url, port, greeting, command, stop_signal: Signal::TERM }
}

fn cli(port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new("redis-cli");
    command.args(["-h", "127.0.0.1", "-p", &port.to_string()]).args(arguments);
    command
}
