//! The private servers of one run of the tests, all data in one temporary folder.
//!
//! A server that the environment names is used as it is and never started, stopped or cleaned.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use test_servers::{
    Interrupt, POLL, Postgres, RabbitMq, Redis, RedisCluster, RedisSentinel, Server, ServerError,
    Storage,
};

use crate::packages::Package;
use crate::{Failure, packages};

/// The environment variables that tell the tests the servers' URLs.
const POSTGRES_URL: &str = "TEST_POSTGRES_URL";
const REDIS_URL: &str = "TEST_REDIS_URL";
const REDIS_CLUSTER_URL: &str = "TEST_REDIS_CLUSTER_URL";
const REDIS_SENTINEL_URL: &str = "TEST_REDIS_SENTINEL_URL";
const AMQP_URL: &str = "TEST_AMQP_URL";

/// How many primaries the cluster has.
const SHARDS: usize = 3;
/// Nobody kills a node of the cluster, and a machine under load may keep one silent for long.
const NODE_TIMEOUT: Duration = Duration::from_secs(15);

const REDIS: Package = Package { name: Redis::PACKAGE, find: Redis::program };

/// What the tests need: the variable, and what has to be installed where it names no server.
const NEEDED: [(&str, Package); 5] = [
    (POSTGRES_URL, Package { name: Postgres::PACKAGE, find: Postgres::program }),
    (REDIS_URL, REDIS),
    (REDIS_CLUSTER_URL, REDIS),
    (REDIS_SENTINEL_URL, REDIS),
    (AMQP_URL, Package { name: RabbitMq::PACKAGE, find: RabbitMq::program }),
];

/// The servers of one run, ready, until this is dropped.
pub(crate) struct Servers {
    // Dropped in this order: the servers stop before their data goes.
    postgres: Option<Postgres>,
    redis: Option<Redis>,
    redis_cluster: Option<RedisCluster>,
    redis_sentinel: Option<RedisSentinel>,
    rabbitmq: Option<RabbitMq>,
    home: TempDir,
}

/// What has to be installed: nothing for a server that the environment names.
pub(crate) fn needed_packages() -> Vec<Package> {
    NEEDED.iter().filter(|(variable, _)| !is_given(variable)).map(|(_, package)| *package).collect()
}

/// What has to be installed to start one of each.
pub(crate) fn all_packages() -> Vec<Package> {
    NEEDED.map(|(_, package)| package).to_vec()
}

fn is_given(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|url| !url.is_empty())
}

impl Servers {
    /// Starts all that the environment does not name and waits until each answers.
    pub(crate) fn start(interrupt: &Interrupt) -> Result<Self, Failure> {
        let mut servers = Self::none()?;
        let disposable = Storage::Disposable;
        if let Some(folder) = servers.folder(POSTGRES_URL)? {
            servers.postgres = Some(Postgres::start(&folder, disposable, interrupt)?);
        }
        if let Some(folder) = servers.folder(AMQP_URL)? {
            servers.rabbitmq = Some(RabbitMq::start(&folder, disposable)?);
        }
        servers.start_redis(&Redis::installed()?, interrupt)?;
        servers.wait_until_ready(interrupt)?;
        Ok(servers)
    }

    /// The same of what takes the place of Redis alone, for which `program` is used.
    pub(crate) fn start_only_redis(program: &Path, interrupt: &Interrupt) -> Result<Self, Failure> {
        let mut servers = Self::none()?;
        servers.start_redis(program, interrupt)?;
        servers.wait_until_ready(interrupt)?;
        Ok(servers)
    }

    fn none() -> Result<Self, Failure> {
        // Not under target/: where root runs the tests, PostgreSQL runs as another user, who could
        // not get there.
        let home = tempfile::Builder::new()
            .prefix("registration-test-")
            .tempdir()
            .map_err(Failure::Folder)?;
        fs::set_permissions(home.path(), Permissions::from_mode(0o755)).map_err(Failure::Folder)?;
        Ok(Self {
            postgres: None,
            redis: None,
            redis_cluster: None,
            redis_sentinel: None,
            rabbitmq: None,
            home,
        })
    }

    fn start_redis(&mut self, program: &Path, interrupt: &Interrupt) -> Result<(), Failure> {
        if let Some(folder) = self.folder(REDIS_URL)? {
            self.redis = Some(Redis::start_program(program, &folder, Storage::Disposable)?);
        }
        if let Some(folder) = self.folder(REDIS_CLUSTER_URL)? {
            let cluster =
                RedisCluster::start(program, &folder, SHARDS, false, NODE_TIMEOUT, interrupt);
            self.redis_cluster = Some(cluster?);
        }
        if let Some(folder) = self.folder(REDIS_SENTINEL_URL)? {
            self.redis_sentinel = Some(RedisSentinel::start(program, &folder, interrupt)?);
        }
        Ok(())
    }

    fn wait_until_ready(&mut self, interrupt: &Interrupt) -> Result<(), Failure> {
        for server in self.started_mut() {
            server.wait_until_ready(interrupt)?;
            eprintln!("xtask: {} is ready on port {}", server.name(), server.port());
        }
        Ok(())
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
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, String)> {
        let url = |server: &Server| server.url().to_owned();
        let postgres = self.postgres.as_ref().map(|postgres| url(&postgres.server));
        let redis = self.redis.as_ref().map(|redis| url(&redis.server));
        let rabbitmq = self.rabbitmq.as_ref().map(|rabbitmq| url(&rabbitmq.server));
        let urls = [
            (POSTGRES_URL, postgres),
            (REDIS_URL, redis),
            (REDIS_CLUSTER_URL, self.redis_cluster.as_ref().map(RedisCluster::url)),
            (REDIS_SENTINEL_URL, self.redis_sentinel.as_ref().map(RedisSentinel::url)),
            (AMQP_URL, rabbitmq),
        ];
        urls.into_iter().filter_map(|(variable, url)| Some((variable, url?)))
    }

    fn started_mut(&mut self) -> impl Iterator<Item = &mut Server> {
        let postgres = self.postgres.as_mut().map(|postgres| &mut postgres.server);
        let rabbitmq = self.rabbitmq.as_mut().map(|rabbitmq| &mut rabbitmq.server);
        let cluster = self.redis_cluster.iter_mut().flat_map(|cluster| &mut cluster.nodes);
        let (watched, sentinels) = match &mut self.redis_sentinel {
            Some(redis) => (&mut redis.servers[..], &mut redis.sentinels[..]),
            None => (&mut [][..], &mut [][..]),
        };
        let redis = self.redis.iter_mut().chain(cluster).chain(watched);
        let redis = redis.map(|redis| &mut redis.server).chain(sentinels);
        [postgres, rabbitmq].into_iter().flatten().chain(redis)
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
