//! A private RabbitMQ node with an Erlang port mapper of its own; nothing of `/etc` or `/var` is
//! read or written.

mod environment;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use environment::{Environment, Family};

use crate::error::ServerError;
use crate::log::log_to;
use crate::ports::free_ports;
use crate::process::{Group, Signal, find_program, tied_to_us};
use crate::readiness::Greeting;
use crate::server::{Recipe, Server, Storage};
use crate::tool;

/// Where Debian has the scripts behind those on the PATH, which change the user and the folders.
const SCRIPTS: &str = "/usr/lib/rabbitmq/bin";

/// The user with whom clients connect, and the only virtual host.
const USER: &str = "guest";
const VIRTUAL_HOST: &str = "/";

/// A RabbitMQ node.
#[derive(Debug)]
pub struct RabbitMq {
    // Dropped in this order: the node stops before its port mapper.
    /// What it has in common with the others.
    pub server: Server,
    /// Shared with the other nodes of its cluster.
    mapper: Arc<Group>,
    environment: Environment,
}

/// What a user may do with queues and exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Declare and delete them.
    Configure,
    /// Publish.
    Write,
    /// Consume.
    Read,
}

/// A queue and how much is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// What it is called.
    pub name: String,
    /// How many messages it has, those that consumers have not acknowledged included.
    pub messages: u64,
}

impl RabbitMq {
    /// The package of Debian and Ubuntu that brings it.
    pub const PACKAGE: &str = "rabbitmq-server";

    /// Where its program is, if it is installed.
    pub fn program() -> Option<PathBuf> {
        find_program("rabbitmq-server", &[SCRIPTS.into()])
    }

    /// Starts one with its data in `folder`, which exists; it need not be ready yet.
    ///
    /// Queues say themselves whether they are durable: `storage` decides how the node is stopped.
    pub fn start(folder: &Path, storage: Storage) -> Result<Self, ServerError> {
        let [mapper_port] = free_ports()?;
        let mapper = start_port_mapper(mapper_port, &folder.join("epmd.log"))?;
        let family = Family { home: folder.to_owned(), mapper_port };
        Self::start_node(folder, storage, Arc::new(mapper), &family, None)
    }

    /// Starts one that becomes a node of the cluster of `self`, which has to be ready. It joins
    /// before it is ready itself.
    pub fn start_member(&self, folder: &Path, storage: Storage) -> Result<Self, ServerError> {
        let Environment { family, node, .. } = &self.environment;
        Self::start_node(folder, storage, self.mapper.clone(), family, Some(node))
    }

    fn start_node(
        folder: &Path,
        storage: Storage,
        mapper: Arc<Group>,
        family: &Family,
        joins: Option<&str>,
    ) -> Result<Self, ServerError> {
        let program = Self::program().ok_or(ServerError::NotInstalled {
            program: "rabbitmq-server",
            package: Self::PACKAGE,
        })?;
        let [port, distribution_port] = free_ports()?;
        let environment = Environment::new(folder, [port, distribution_port], family, joins)?;
        let mut command = tied_to_us(None, "KILL", &program);
        environment.apply_to(&mut command);
        let recipe = Recipe {
            name: "RabbitMQ",
            url: format!("amqp://{USER}:guest@127.0.0.1:{port}/%2f"),
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
        Ok(Self { server: Server::start(recipe, folder)?, mapper, environment })
    }

    /// Raises or ends an alarm for memory: while there is one, connections that publish are blocked.
    pub fn set_memory_alarm(&self, is_on: bool) -> Result<(), ServerError> {
        // Each node uses more than the one share of the machine's memory, and less than the other.
        let watermark = if is_on { "0.00001" } else { "0.9" };
        self.control("rabbitmqctl", &["set_vm_memory_high_watermark", watermark])?;
        // The tool may fail on a machine that is busy, and say nothing of why.
        let follows = || Ok(self.has_alarm().is_ok_and(|is_raised| is_raised == is_on));
        tool::wait_until("the memory alarm to follow", follows)
    }

    fn has_alarm(&self) -> Result<bool, ServerError> {
        match self.control("rabbitmq-diagnostics", &["check_local_alarms"]) {
            Ok(_) => Ok(false),
            Err(ServerError::Tool { problem, .. }) if problem.contains("alarm") => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Takes a permission from the user of all clients, and closes their connections: a channel may
    /// remember for a while that it was given.
    pub fn forbid(&self, permission: Permission) -> Result<(), ServerError> {
        self.set_permissions(|given| given != permission)?;
        let reason = "a permission was taken";
        self.control("rabbitmqctl", &["close_all_connections", "--global", reason]).map(drop)
    }

    /// Ends what `forbid` began.
    pub fn allow_everything(&self) -> Result<(), ServerError> {
        self.set_permissions(|_| true)
    }

    fn set_permissions(&self, is_given: impl Fn(Permission) -> bool) -> Result<(), ServerError> {
        let names = [Permission::Configure, Permission::Write, Permission::Read]
            .map(|permission| if is_given(permission) { ".*" } else { "^$" });
        let [configure, write, read] = names;
        let arguments = ["set_permissions", "--vhost", VIRTUAL_HOST, USER, configure, write, read];
        self.control("rabbitmqctl", &arguments).map(drop)
    }

    /// How many clients are connected.
    pub fn connections(&self) -> Result<usize, ServerError> {
        let rows = self.control("rabbitmqctl", &["list_connections", "--no-table-headers", "pid"]);
        Ok(rows?.lines().count())
    }

    /// All queues.
    pub fn queues(&self) -> Result<Vec<Queue>, ServerError> {
        let arguments = ["list_queues", "--no-table-headers", "name", "messages"];
        let rows = self.control("rabbitmqctl", &arguments)?;
        let queue = |row: &str| {
            let (name, messages) = row.split_once('\t')?;
            Some(Queue { name: name.to_owned(), messages: messages.parse().ok()? })
        };
        Ok(rows.lines().filter_map(queue).collect())
    }

    /// The quorum queues, each with the nodes that have a copy of it.
    pub fn queue_members(&self) -> Result<Vec<(String, usize)>, ServerError> {
        let arguments = ["list_queues", "--no-table-headers", "name", "members"];
        let rows = self.control("rabbitmqctl", &arguments)?;
        // The nodes are an Erlang list: `[node1@localhost, node2@localhost]`.
        let queue = |row: &str| {
            let (name, members) = row.split_once('\t')?;
            Some((name.to_owned(), members.matches('@').count()))
        };
        Ok(rows.lines().filter_map(queue).collect())
    }

    /// Runs one of the node's tools, which takes a second or two, and returns what it says.
    pub fn control(&self, tool: &str, arguments: &[&str]) -> Result<String, ServerError> {
        let program = find_program(tool, &[SCRIPTS.into()]).unwrap_or_else(|| tool.into());
        let run = |arguments: &[&str]| {
            let mut command = Command::new(&program);
            self.environment.apply_to(&mut command);
            tool::output(command.arg("--quiet").args(arguments))
        };
        match run(arguments) {
            // A starting node answers clients a moment before it answers its tools.
            Err(ServerError::Tool { problem, .. }) if problem.contains("app to be running") => {
                run(&["await_startup"])?;
                run(arguments)
            }
            finished => finished,
        }
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
