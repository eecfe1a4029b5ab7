//! One server of each kind, shared by the scenarios: each has a database, keys and an exchange of
//! its own there.

use std::path::{Path, PathBuf};

use faults::system::settings::Settings;
use faults::system::{Held, data_directory};
use tempfile::TempDir;
use test_servers::{Interrupt, Postgres, RabbitMq, Redis, ServerError, Storage};

/// The servers.
pub(crate) struct Stage {
    postgres: Held<Postgres>,
    _redis: Redis,
    rabbitmq: Held<RabbitMq>,
    addresses: Addresses,
    interrupt: Interrupt,
    // Dropped last: the others write to it.
    folder: TempDir,
}

/// Where the servers are, and what is a scenario's own there.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    /// URL of the database.
    pub(crate) postgres: String,
    pub(crate) redis: String,
    /// URLs of all nodes, which differ in their addresses alone.
    pub(crate) rabbitmq: Vec<String>,
    /// The exchange, and what the keys in Redis begin with.
    pub(crate) name: String,
}

impl Stage {
    /// Starts all three and waits until they answer.
    pub(crate) fn set_up(interrupt: &Interrupt) -> Result<Self, ServerError> {
        let folder = data_directory()?;
        // The slowest first: they become ready together.
        let (postgres, redis, rabbitmq) = start(folder.path(), interrupt)?;
        let addresses = Addresses {
            postgres: postgres.server.url().to_owned(),
            redis: redis.server.url().to_owned(),
            rabbitmq: vec![rabbitmq.server.url().to_owned()],
            name: String::new(),
        };
        Ok(Self {
            postgres: Held::new(postgres),
            _redis: redis,
            rabbitmq: Held::new(rabbitmq),
            addresses,
            interrupt: interrupt.clone(),
            folder,
        })
    }

    /// The shared servers, with a new database for a scenario of this name.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Addresses, ServerError> {
        let create = format!("CREATE DATABASE \"{name}\"");
        self.postgres.with(move |postgres| postgres.sql(&[&create])).await?;
        let shared = self.addresses.clone();
        let postgres = database_on(&shared.postgres, name);
        Ok(Addresses { postgres, name: name.to_owned(), ..shared })
    }

    /// The shared database server.
    pub(crate) fn postgres(&self) -> &Held<Postgres> {
        &self.postgres
    }

    /// The shared broker.
    pub(crate) fn rabbitmq(&self) -> &Held<RabbitMq> {
        &self.rabbitmq
    }

    /// Tells when to stop waiting for a server.
    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// A new folder for the data of a scenario's own server.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, ServerError> {
        create(self.folder.path(), name)
    }
}

impl Addresses {
    /// One URL that names all nodes of the broker.
    fn rabbitmq_url(&self) -> String {
        let (user, _, virtual_host) = parts(self.rabbitmq.first().expect("a node"));
        let nodes: Vec<_> = self.rabbitmq.iter().map(|url| parts(url).1).collect();
        format!("{user}@{}/{virtual_host}", nodes.join(","))
    }

    /// The settings that lead a service there.
    pub(crate) fn settings(&self) -> Settings {
        [
            ("postgres.url", &self.postgres),
            ("redis.url", &self.redis),
            ("redis.key_prefix", &self.name),
            ("rabbitmq.url", &self.rabbitmq_url()),
            ("rabbitmq.exchange", &self.name),
        ]
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .to_vec()
    }
}

/// User, address and virtual host of an AMQP URL.
fn parts(url: &str) -> (&str, &str, &str) {
    let (user, rest) = url.split_once('@').expect("a URL with a user");
    let (address, virtual_host) = rest.split_once('/').expect("a URL with a virtual host");
    (user, address, virtual_host)
}

/// The URL of another database on the same server.
pub(crate) fn database_on(server_url: &str, name: &str) -> String {
    let server = server_url.rsplit_once('/').map_or("", |(server, _)| server);
    format!("{server}/{name}")
}

fn start(folder: &Path, interrupt: &Interrupt) -> Result<(Postgres, Redis, RabbitMq), ServerError> {
    let [for_postgres, for_redis, for_rabbitmq] =
        ["postgres", "redis", "rabbitmq"].map(|name| create(folder, name));
    let mut rabbitmq = RabbitMq::start(&for_rabbitmq?, Storage::Durable)?;
    let mut redis = Redis::start(&for_redis?, Storage::Disposable)?;
    let mut postgres = Postgres::start(&for_postgres?, Storage::Disposable, interrupt)?;
    for server in [&mut postgres.server, &mut redis.server, &mut rabbitmq.server] {
        server.wait_until_ready(interrupt)?;
    }
    Ok((postgres, redis, rabbitmq))
}

fn create(parent: &Path, name: &str) -> Result<PathBuf, ServerError> {
    let path = parent.join(name);
    match std::fs::create_dir(&path) {
        Ok(()) => Ok(path),
        Err(source) => Err(ServerError::Folder { path, source }),
    }
}
