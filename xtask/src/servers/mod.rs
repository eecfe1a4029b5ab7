//! Private servers for the tests: each on a free port of the loopback address, its data in a
//! temporary folder, gone with it.
//!
//! A server that the environment names is used as it is and never started, stopped or cleaned.

mod postgres;
mod rabbitmq;
mod readiness;
mod redis;
mod server;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;
use std::thread;

pub(crate) use server::ServerError;
use server::{Kind, Server};
use tempfile::TempDir;

use crate::packages::Package;
use crate::process::{Interrupt, POLL};
use crate::{Failure, packages};

/// What the tests need.
const KINDS: [Kind; 3] = [postgres::KIND, redis::KIND, rabbitmq::KIND];

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
    KINDS.iter().filter(|kind| !kind.is_given())
}

impl Servers {
    /// Starts all that the environment does not name and waits until each answers.
    pub(crate) fn start(interrupt: &Interrupt) -> Result<Self, ServerError> {
        // Not under target/: where root runs the tests, PostgreSQL runs as another user, who could
        // not get there.
        let home = tempfile::Builder::new()
            .prefix("registration-test-")
            .tempdir()
            .map_err(ServerError::Folder)?;
        fs::set_permissions(home.path(), Permissions::from_mode(0o755))
            .map_err(ServerError::Folder)?;
        let mut servers = Self { started: Vec::new(), home };
        for kind in KINDS.iter().filter(|kind| kind.is_given()) {
            eprintln!("xtask: using the {} that {} names", kind.name, kind.variable);
        }
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
