//! A private RabbitMQ node with an Erlang port mapper of its own; nothing of `/etc` or `/var` is
//! read or written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::ServerError;
use crate::log::log_to;
use crate::ports::free_ports;
use crate::process::{Group, Signal, find_program, tied_to_us};
use crate::readiness::Greeting;
use crate::server::{Recipe, Server, Storage};

/// A RabbitMQ node.
#[derive(Debug)]
pub struct RabbitMq {
    // Dropped in this order: the node stops before its port mapper.
    /// What it has in common with the others.
    pub server: Server,
    _mapper: Group,
}

impl RabbitMq {
    /// The package of Debian and Ubuntu that brings it.
    pub const PACKAGE: &str = "rabbitmq-server";

    /// The script behind the one on the PATH: that one of Debian changes the user and the folders.
    pub fn program() -> Option<PathBuf> {
        find_program("rabbitmq-server", &[PathBuf::from("/usr/lib/rabbitmq/bin")])
    }

    /// Starts one with its data in `folder`, which exists; it need not be ready yet.
    ///
    /// Queues say themselves whether they are durable: `storage` decides how the node is stopped.
    pub fn start(folder: &Path, storage: Storage) -> Result<Self, ServerError> {
        let program = Self::program().ok_or(ServerError::NotInstalled {
            program: "rabbitmq-server",
            package: Self::PACKAGE,
        })?;
        let [port, distribution_port, mapper_port] = free_ports()?;
        let mapper = start_port_mapper(mapper_port, &folder.join("epmd.log"))?;
        let mut command = tied_to_us(None, "KILL", &program);
        configure(&mut command, folder, port)?;
        command.env("RABBITMQ_DIST_PORT", distribution_port.to_string());
        command.env("ERL_EPMD_PORT", mapper_port.to_string());
        command.env("RABBITMQ_NODENAME", format!("registration-test-{port}@localhost"));
        let recipe = Recipe {
            name: "RabbitMQ",
            url: format!("amqp://guest:guest@127.0.0.1:{port}/%2f"),
            port,
            // Protocol header of AMQP 0-9-1; the answer, Connection.Start, is a method frame: type 1.
            greeting: Greeting { send: b"AMQP\x00\x00\x09\x01".to_vec(), answer: 1 },
            command,
            stop_signal: match storage {
                // Saves three seconds.
                Storage::Disposable => Signal::KILL,
                Storage::Durable => Signal::TERM,
            },
        };
        Ok(Self { server: Server::start(recipe, folder)?, _mapper: mapper })
    }
}

/// The Erlang port mapper, in the foreground: the one that Erlang starts by itself would outlive
/// the node.
fn start_port_mapper(port: u16, log: &Path) -> Result<Group, ServerError> {
    let program = find_program("epmd", &[])
        .ok_or(ServerError::NotInstalled { program: "epmd", package: "erlang-base" })?;
    let mut command = tied_to_us(None, "KILL", &program);
    command.args(["-port", &port.to_string(), "-address", "127.0.0.1"]);
    log_to(&mut command, log)?;
    Ok(Group::start(&mut command, Signal::KILL)?)
}

/// Points everything that a node reads or writes into `folder`, and all it listens on to the
/// loopback address.
fn configure(command: &mut Command, folder: &Path, port: u16) -> Result<(), ServerError> {
    let configuration = folder.join("rabbitmq.conf");
    write(&configuration, &format!("listeners.tcp.1 = 127.0.0.1:{port}\n"))?;
    let plugins = folder.join("enabled_plugins");
    write(&plugins, "[].\n")?;
    let variables = std::env::vars_os().map(|(name, _)| name);
    for name in variables.filter(|name| name.to_string_lossy().starts_with("RABBITMQ_")) {
        command.env_remove(name);
    }
    command
        .env("HOME", folder)
        .env("RABBITMQ_CONFIG_FILE", configuration)
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", plugins)
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", folder.join("advanced.config"))
        .env("RABBITMQ_CONF_ENV_FILE", folder.join("rabbitmq-env.conf"))
        .env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"))
        .env("RABBITMQ_GENERATED_CONFIG_DIR", folder.join("config"))
        .env("RABBITMQ_SCHEMA_DIR", folder.join("schema"))
        .env("RABBITMQ_PID_FILE", folder.join("pid"))
        .env("RABBITMQ_LOG_BASE", folder)
        .env("RABBITMQ_LOGS", "-")
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
        // Makes the script replace itself by the node instead of waiting for it, so that there is
        // one process to stop.
        .env("RUNNING_UNDER_SYSTEMD", "true");
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), ServerError> {
    fs::write(path, text).map_err(|source| ServerError::Folder { path: path.to_owned(), source })
}
