//! The services, started as a scenario wants them.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use test_servers::Interrupt;
use test_support::free_port;

use super::Servers;
use super::database::Database;
use super::service::{Program, Service};
use super::sink::{self, Sink};
use super::usage::Usage;
use crate::error::BenchError;
use crate::machine::{of_threads, of_tree};

/// How the hashing threads of the API are called.
const HASHING: &str = "argon2id";
/// How long what was accepted may take to be delivered once the load has ended.
const DRAIN: Duration = Duration::from_mins(2);
/// How often it is looked whether everything is delivered.
const POLL: Duration = Duration::from_millis(20);
/// Only protects the codes of this benchmark.
const CODE_KEY: &str = "8f2a6c0d4b1e9f7358a0c2d4e6f81b3d5f7092a4b6c8dae0f1234567890abcde";

/// How many users there are at the start of each scenario.
pub const USERS: u32 = 10_000;

/// How the services run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// What differs from the defaults: `section.key` and value.
    pub settings: &'static [(&'static str, &'static str)],
    /// How many workers.
    pub workers: usize,
}

impl Plan {
    /// As it is deployed. The load comes from one machine and names its clients as a proxy would.
    pub const AS_DEPLOYED: Self = Self { settings: &[], workers: 1 };
    /// The same with hashes that cost next to nothing, so that everything else can be seen.
    pub const HASH_FREE: Self =
        Self { settings: &[("hashing.memory_kib", "8"), ("hashing.iterations", "1")], workers: 1 };
}

/// The running services.
pub struct Deployment<'a> {
    // Dropped in this order.
    workers: Vec<Service>,
    /// The API.
    pub api: Service,
    /// Where it listens, on the loopback address.
    pub port: u16,
    servers: &'a Servers,
    sink: &'a Sink,
    binaries: PathBuf,
    settings: Vec<(String, String)>,
    database: Database,
}

impl<'a> Deployment<'a> {
    /// Starts them with [`USERS`] and nothing else in the stores, and waits until they are ready.
    pub fn start(
        plan: &Plan,
        servers: &'a Servers,
        sink: &'a Sink,
        interrupt: &Interrupt,
    ) -> Result<Self, BenchError> {
        let failed = "find the services beside this program";
        let own = std::env::current_exe().map_err(BenchError::io(failed))?;
        let binaries = own.parent().map(PathBuf::from).unwrap_or_default();
        let (port, operator) = (free_port(), free_port());
        let mut settings = common_settings(servers, sink);
        settings.extend(plan.settings.iter().map(|(key, value)| pair(key, *value)));
        let mut of_api = settings.clone();
        of_api.push(pair("http.listen", format!("127.0.0.1:{port}")));
        of_api.push(pair("metrics.listen", format!("127.0.0.1:{operator}")));
        let program = Program {
            name: "registration-api",
            binaries: &binaries,
            settings: &of_api,
            log: servers.log("registration-api"),
            operator,
        };
        program.run("migrate", interrupt)?;
        let database = Database::connect(servers.postgres.server.url())?;
        // What scenarios before this one left would fill Redis and slow PostgreSQL down.
        database.execute("TRUNCATE users, outbox")?;
        servers.redis.empty()?;
        // A service has users before it has such a load. PostgreSQL keeps the plans that it makes
        // for an empty table until it analyzes the table again, a minute later.
        database.add_users(0, USERS)?;
        let api = program.start(port, interrupt)?;
        let mut deployment =
            Self { workers: Vec::new(), api, port, servers, sink, binaries, settings, database };
        deployment.start_workers(plan.workers, interrupt)?;
        Ok(deployment)
    }

    /// Starts more workers.
    pub fn start_workers(&mut self, count: usize, interrupt: &Interrupt) -> Result<(), BenchError> {
        for number in 0..count {
            let operator = free_port();
            let mut settings = self.settings.clone();
            settings.push(pair("metrics.listen", format!("127.0.0.1:{operator}")));
            let program = Program {
                name: "email-worker",
                binaries: &self.binaries,
                settings: &settings,
                log: self.servers.log(&format!("email-worker-{number}")),
                operator,
            };
            self.workers.push(program.start(operator, interrupt)?);
        }
        Ok(())
    }

    /// Stops all workers.
    pub fn stop_workers(&mut self) {
        self.workers.clear();
    }

    /// The workers.
    pub fn workers(&self) -> &[Service] {
        &self.workers
    }

    /// The processor time of everybody up to now, but that of the generator, which is known when it
    /// has ended.
    pub fn usage(&self) -> Usage {
        let server = |server: &test_servers::Server| server.pid().map_or(Duration::ZERO, of_tree);
        let hash = of_threads(self.api.pid(), HASHING);
        Usage([
            hash,
            of_tree(self.api.pid()).saturating_sub(hash),
            self.workers.iter().map(|worker| of_tree(worker.pid())).sum(),
            server(&self.servers.postgres.server),
            server(&self.servers.rabbitmq.server),
            server(&self.servers.redis.server),
            Duration::ZERO,
            of_threads(std::process::id(), sink::THREAD),
        ])
    }

    /// Waits until each of the registered has its mail and the outbox is empty.
    pub fn drain(&self, registered: &[u64], interrupt: &Interrupt) -> Result<(), BenchError> {
        let deadline = Instant::now() + DRAIN;
        let mut waiting = registered.to_vec();
        loop {
            interrupt.check()?;
            waiting.retain(|index| self.sink.mail(*index).is_none());
            let mails = waiting.len();
            let rows = if mails == 0 { self.number("SELECT count(*) FROM outbox")? } else { 0 };
            if mails == 0 && rows == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                self.note_metrics();
                return Err(BenchError::LeftBehind { mails, rows, seconds: DRAIN.as_secs() });
            }
            thread::sleep(POLL);
        }
    }

    /// Writes the metrics of the services beside their logs, so that a cause can be found.
    fn note_metrics(&self) {
        let workers = self.workers.iter().enumerate();
        let workers = workers.map(|(number, worker)| (format!("email-worker-{number}"), worker));
        for (name, service) in workers.chain([("registration-api".to_owned(), &self.api)]) {
            let metrics = service.metrics().unwrap_or_else(|error| error.to_string());
            // The logs are there without them.
            let _ = std::fs::write(self.servers.metrics(&name), metrics);
        }
    }

    /// The single number that a query of the database gives.
    pub fn number(&self, query: &str) -> Result<i64, BenchError> {
        self.database.number(query)
    }

    /// A further connection to the database.
    pub fn connect(&self) -> Result<Database, BenchError> {
        Database::connect(self.servers.postgres.server.url())
    }

    /// Adds users that were activated long ago to the `present` ones, until there are `size`.
    pub fn add_users(&self, present: u32, size: u32) -> Result<(), BenchError> {
        self.database.add_users(present, size)
    }

    /// Runs statements in the database.
    pub fn execute(&self, statements: &str) -> Result<(), BenchError> {
        self.database.execute(statements)
    }
}

fn common_settings(servers: &Servers, sink: &Sink) -> Vec<(String, String)> {
    vec![
        pair("code.key", CODE_KEY),
        pair("postgres.url", servers.postgres.server.url()),
        pair("redis.url", servers.redis.server.url()),
        pair("rabbitmq.url", servers.rabbitmq.server.url()),
        pair("smtp.host", "127.0.0.1"),
        pair("smtp.port", sink.port.to_string()),
        pair("smtp.tls", "none"),
        pair("http.trusted_proxies", "127.0.0.1"),
        pair("log.format", "json"),
    ]
}

fn pair(key: &str, value: impl Into<String>) -> (String, String) {
    (key.to_owned(), value.into())
}
