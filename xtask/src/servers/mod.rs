//! Private servers for the tests: each on a free port of the loopback address, its data in a temporary
//! folder, gone with it.
//!
//! A server that the environment names is used as it is and never started, stopped or cleaned.

mod postgres;
mod rabbitmq;
mod readiness;
mod redis;

use std::fs::{self, File, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use tempfile::TempDir;

use self::readiness::Greeting;
use crate::packages::Package;
use crate::process::{Group, Interrupt, POLL, ProcessError};
use crate::{Failure, packages};

/// A kind of server that the tests need.
struct Kind {
    name: &'static str,
    /// The environment variable that tells the tests its URL.
    variable: &'static str,
    package: Package,
    /// Starts one with its data in the given folder; it need not be ready yet.
    start: fn(&Path, &Interrupt) -> Result<Server, ServerError>,
}

const KINDS: [Kind; 3] = [postgres::KIND, redis::KIND, rabbitmq::KIND];

/// A started server.
struct Server {
    url: String,
    port: u16,
    greeting: Greeting,
    log: PathBuf,
    /// The server itself, then what it needs beside it; stopped in this order.
    groups: Vec<Group>,
}

/// Why a server is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    #[error("cannot prepare a folder for the servers: {0}")]
    Folder(#[source] std::io::Error),
    #[error("cannot find a free port: {0}")]
    Port(#[source] std::io::Error),
    #[error("{name} {problem}. The end of its log:\n{log}")]
    NotReady { name: &'static str, problem: String, log: String },
    #[error("cannot find {0}")]
    NotInstalled(&'static str),
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// The servers of one run, ready, until this is dropped.
pub(crate) struct Servers {
    // Dropped in this order: the servers stop before their data goes.
    started: Vec<(&'static Kind, Server)>,
    home: TempDir,
}

/// What has to be installed: nothing for a server that the environment names.
pub(crate) fn needed_packages() -> Vec<Package> {
    to_start().map(|kind| kind.package).collect()
}

fn to_start() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().filter(|kind| std::env::var_os(kind.variable).is_none_or(|url| url.is_empty()))
}

impl Servers {
    /// Starts all that the environment does not name and waits until each answers.
    pub(crate) fn start(interrupt: &Interrupt) -> Result<Self, ServerError> {
        // Not under target/: where root runs the tests, PostgreSQL runs as another user, who could not get there.
        let home =
            tempfile::Builder::new().prefix("registration-test-").tempdir().map_err(ServerError::Folder)?;
        fs::set_permissions(home.path(), Permissions::from_mode(0o755)).map_err(ServerError::Folder)?;
        let mut servers = Self { started: Vec::new(), home };
        for kind in to_start() {
            let folder = servers.home.path().join(kind.name);
            fs::create_dir(&folder).map_err(ServerError::Folder)?;
            servers.started.push((kind, (kind.start)(&folder, interrupt)?));
        }
        for (kind, server) in &mut servers.started {
            readiness::wait(kind.name, server, interrupt)?;
            eprintln!("xtask: {} is ready on port {}", kind.name, server.port);
        }
        Ok(servers)
    }

    /// What to add to the environment of the tests: each started server's variable and URL.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.started.iter().map(|(kind, server)| (kind.variable, server.url.as_str()))
    }

    /// An error if one of them has ended.
    fn check(&mut self) -> Result<(), ServerError> {
        for (kind, server) in &mut self.started {
            server.check(kind.name)?;
        }
        Ok(())
    }
}

impl Server {
    /// An error if it has ended.
    fn check(&mut self, name: &'static str) -> Result<(), ServerError> {
        for group in &mut self.groups {
            if let Some(status) = group.exited()? {
                return Err(self.failure(name, format!("ended ({status})")));
            }
        }
        Ok(())
    }

    fn failure(&self, name: &'static str, problem: String) -> ServerError {
        ServerError::NotReady { name, problem, log: readiness::last_lines(&self.log) }
    }
}

/// `cargo xtask servers`: for development, until Ctrl-C.
pub(crate) fn run(interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    packages::ensure(&needed_packages(), interrupt)?;
    let mut servers = Servers::start(interrupt)?;
    for (variable, url) in servers.environment() {
        println!("export {variable}='{url}'");
    }
    eprintln!("xtask: the servers run until Ctrl-C");
    while interrupt.check().is_ok() {
        servers.check()?;
        thread::sleep(POLL);
    }
    Ok(ExitCode::SUCCESS)
}

/// As many different ports as asked for, each free a moment ago.
fn free_ports<const N: usize>() -> Result<[u16; N], ServerError> {
    let listeners: Vec<_> = (0..N)
        .map(|_| TcpListener::bind(("127.0.0.1", 0)))
        .collect::<Result<_, _>>()
        .map_err(ServerError::Port)?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr().map_err(ServerError::Port)?.port();
    }
    Ok(ports)
}

/// Sends what `command` prints to a new file `log`.
fn log_to(command: &mut Command, log: &Path) -> Result<(), ServerError> {
    let file = File::create(log).map_err(ServerError::Folder)?;
    command.stderr(file.try_clone().map_err(ServerError::Folder)?).stdout(Stdio::from(file));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn free_ports_differ() {
        let ports = super::free_ports::<8>().unwrap();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 8);
    }
}
