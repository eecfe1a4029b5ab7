//! The private servers of one run of the tests, all data in one temporary folder.
//!
//! A server that the environment names is used as it is and never started, stopped or cleaned.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use tempfile::TempDir;
use test_servers::{Interrupt, POLL, Postgres, RabbitMq, Redis, Server, ServerError, Storage};

use crate::packages::Package;
use crate::{Failure, packages};

/// The environment variables that tell the tests the servers' URLs.
const POSTGRES_URL: &str = "TEST_POSTGRES_URL";
const REDIS_URL: &str = "TEST_REDIS_URL";
const AMQP_URL: &str = "TEST_AMQP_URL";

/// What the tests need: the variable, and what has to be installed where it names no server.
const NEEDED: [(&str, Package); 3] = [
    (POSTGRES_URL, Package { name: Postgres::PACKAGE, find: Postgres::program }),
    (REDIS_URL, Package { name: Redis::PACKAGE, find: Redis::program }),
    (AMQP_URL, Package { name: RabbitMq::PACKAGE, find: RabbitMq::program }),
];

/// The servers of one run, ready, until this is dropped.
pub(crate) struct Servers {
    // Dropped in this order: the servers stop before their data goes.
    postgres: Option<Postgres>,
    redis: Option<Redis>,
    rabbitmq: Option<RabbitMq>,
    home: TempDir,
}

/// What has to be installed: nothing for a server that the environment names.
pub(crate) fn needed_packages() -> Vec<Package> {
    NEEDED.iter().filter(|(variable, _)| !is_given(variable)).map(|(_, package)| *package).collect()
}

/// What has to be installed for servers of one's own.
pub(crate) fn all_packages() -> Vec<Package> {
    NEEDED.iter().map(|(_, package)| *package).collect()
}

fn is_given(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|url| !url.is_empty())
}

impl Servers {
    /// Starts all that the environment does not name and waits until each answers.
    pub(crate) fn start(interrupt: &Interrupt) -> Result<Self, Failure> {
        // Not under target/: where root runs the tests, PostgreSQL runs as another user, who could
        // not get there.
        let home = tempfile::Builder::new()
            .prefix("registration-test-")
            .tempdir()
            .map_err(Failure::Folder)?;
        fs::set_permissions(home.path(), Permissions::from_mode(0o755)).map_err(Failure::Folder)?;
        let mut servers = Self { postgres: None, redis: None, rabbitmq: None, home };
        let disposable = Storage::Disposable;
        if let Some(folder) = servers.folder(POSTGRES_URL)? {
            servers.postgres = Some(Postgres::start(&folder, disposable, interrupt)?);
        }
        if let Some(folder) = servers.folder(REDIS_URL)? {
            servers.redis = Some(Redis::start(&folder, disposable)?);
        }
        if let Some(folder) = servers.folder(AMQP_URL)? {
            servers.rabbitmq = Some(RabbitMq::start(&folder, disposable)?);
        }
        for server in servers.started_mut() {
            server.wait_until_ready(interrupt)?;
            eprintln!("xtask: {} is ready on port {}", server.name(), server.port());
        }
        Ok(servers)
    }

    /// A folder for the data of a server; None if the environment names a server to use instead.
    fn folder(&self, variable: &str) -> Result<Option<PathBuf>, Failure> {
        if is_given(variable) {
            eprintln!("xtask: using the server that {variable} names");
            return Ok(None);
        }
        let folder = self.home.path().join(variable);
        fs::create_dir(&folder).map_err(Failure::Folder)?;
        Ok(Some(folder))
    }

    /// What to add to the environment of the tests: each started server's variable and URL.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let postgres = self.postgres.as_ref().map(|postgres| (POSTGRES_URL, &postgres.server));
        let redis = self.redis.as_ref().map(|redis| (REDIS_URL, &redis.server));
        let rabbitmq = self.rabbitmq.as_ref().map(|rabbitmq| (AMQP_URL, &rabbitmq.server));
        let started = [postgres, redis, rabbitmq].into_iter().flatten();
        started.map(|(variable, server)| (variable, server.url()))
    }

    fn started_mut(&mut self) -> impl Iterator<Item = &mut Server> {
        let postgres = self.postgres.as_mut().map(|postgres| &mut postgres.server);
        let redis = self.redis.as_mut().map(|redis| &mut redis.server);
        let rabbitmq = self.rabbitmq.as_mut().map(|rabbitmq| &mut rabbitmq.server);
        [postgres, redis, rabbitmq].into_iter().flatten()
    }

    /// An error if one of them has ended.
    fn check(&mut self) -> Result<(), ServerError> {
        self.started_mut().try_for_each(Server::check)
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
