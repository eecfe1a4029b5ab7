//! PostgreSQL, Redis and RabbitMQ of one run, each behind a proxy.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use reqwest::Url;
use tempfile::TempDir;
use test_servers::{Interrupt, Postgres, RabbitMq, Redis, Server, ServerError, Storage};
use test_support::Proxy;

use super::held::Held;
use super::settings::Settings;
use crate::schedule::Part;

/// The exchange of the system; its queues are named after it.
pub const EXCHANGE: &str = "faults";

/// The servers of a distributed system.
pub struct Servers {
    /// The database.
    pub postgres: Held<Postgres>,
    /// The code store.
    pub redis: Held<Redis>,
    /// The broker.
    pub rabbitmq: Held<RabbitMq>,
    /// In front of PostgreSQL, Redis and RabbitMQ.
    proxies: [Proxy; 3],
    /// Their addresses without the proxies.
    urls: [Url; 3],
    /// Whether PostgreSQL's disk can be broken without breaking anybody else's.
    pub has_own_disk: bool,
    /// Tells when to stop waiting for one.
    pub interrupt: Interrupt,
}

/// A folder that PostgreSQL's user can reach, too.
pub fn data_directory() -> Result<TempDir, ServerError> {
    let problem = |source| ServerError::Folder { path: std::env::temp_dir(), source };
    let folder =
        tempfile::Builder::new().prefix("registration-faults-").tempdir().map_err(problem)?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).map_err(problem)?;
    Ok(folder)
}

impl Servers {
    /// Starts all three and waits until they answer.
    pub(super) async fn start(data: &Path, interrupt: &Interrupt) -> Result<Self, ServerError> {
        let [for_postgres, for_redis, for_rabbitmq] =
            ["postgres", "redis", "rabbitmq"].map(|name| data.join(name));
        for folder in [&for_postgres, &for_redis, &for_rabbitmq] {
            create(folder)?;
        }
        // The slowest first: they become ready together.
        let mut rabbitmq = RabbitMq::start(&for_rabbitmq, Storage::Durable)?;
        let mut redis = Redis::start(&for_redis, Storage::Durable)?;
        let (mut postgres, has_own_disk) = start_postgres(&for_postgres, interrupt)?;
        let servers = [&mut postgres.server, &mut redis.server, &mut rabbitmq.server];
        let mut urls = Vec::new();
        let mut proxies = Vec::new();
        for server in servers {
            server.wait_until_ready(interrupt)?;
            proxies.push(Proxy::start(format!("127.0.0.1:{}", server.port())).await);
            urls.push(server.url().parse().expect("a URL of a server"));
        }
        Ok(Self {
            postgres: Held::new(postgres),
            redis: Held::new(redis),
            rabbitmq: Held::new(rabbitmq),
            proxies: proxies.try_into().unwrap_or_else(|_| panic!("three proxies")),
            urls: urls.try_into().expect("three addresses"),
            has_own_disk,
            interrupt: interrupt.clone(),
        })
    }

    /// The settings that lead a service to them.
    pub(super) fn settings(&self) -> Settings {
        let through = |index: usize| {
            let mut url = self.urls[index].clone();
            url.set_port(Some(self.proxies[index].port())).expect("a URL with a port");
            url.to_string()
        };
        let mut settings = Settings::new();
        for (index, name) in ["postgres", "redis", "rabbitmq"].into_iter().enumerate() {
            settings.push((format!("{name}.url"), through(index)));
        }
        settings.push(("rabbitmq.exchange".to_owned(), EXCHANGE.to_owned()));
        settings
    }

    /// The proxy in front of a server.
    pub fn proxy(&self, part: Part) -> &Proxy {
        &self.proxies[index(part)]
    }

    /// All proxies.
    pub(super) fn proxies(&self) -> &[Proxy] {
        &self.proxies
    }

    /// Where a server is, without its proxy.
    pub fn url(&self, part: Part) -> &Url {
        &self.urls[index(part)]
    }

    /// Does something with what all servers have in common.
    pub async fn with<R: Send + 'static>(
        &self,
        part: Part,
        work: impl FnOnce(&mut Server) -> R + Send + 'static,
    ) -> R {
        match part {
            Part::Redis => self.redis.with(|redis| work(&mut redis.server)).await,
            Part::Rabbitmq => self.rabbitmq.with(|rabbitmq| work(&mut rabbitmq.server)).await,
            _ => self.postgres.with(|postgres| work(&mut postgres.server)).await,
        }
    }

    /// Starts a server that has ended, whatever ended it, and waits until it answers.
    pub async fn bring_back(&self, part: Part) -> Result<(), ServerError> {
        let interrupt = self.interrupt.clone();
        self.with(part, move |server| {
            if server.check().is_err() {
                server.start_again()?;
            }
            server.wait_until_ready(&interrupt)
        })
        .await
    }
}

/// Only root may mount a disk. The others do without, and are told.
fn start_postgres(folder: &Path, interrupt: &Interrupt) -> Result<(Postgres, bool), ServerError> {
    match Postgres::start_on_small_disk(folder, interrupt) {
        Ok(postgres) => Ok((postgres, true)),
        Err(error @ ServerError::NoDisk { .. }) => {
            eprintln!("faults: PostgreSQL's disk will not be broken: {error}");
            let folder = folder.join("without-disk");
            create(&folder)?;
            Ok((Postgres::start(&folder, Storage::Durable, interrupt)?, false))
        }
        Err(error) => Err(error),
    }
}

fn index(part: Part) -> usize {
    match part {
        Part::Postgres => 0,
        Part::Redis => 1,
        Part::Rabbitmq => 2,
        other => panic!("{other} is no server"),
    }
}

fn create(folder: &PathBuf) -> Result<(), ServerError> {
    fs::create_dir(folder).map_err(|source| ServerError::Folder { path: folder.clone(), source })
}
