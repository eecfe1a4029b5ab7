//! The two ways in which the product is deployed, and the settings each is started with.

use reqwest::Url;
use tempfile::TempDir;

use crate::account::unique;
use crate::environment::{binary, required};
use crate::port::free_port;
use crate::process::Process;
use crate::proxy::Proxy;

/// How the product runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deployment {
    /// `registration-api` and `email-worker` on PostgreSQL, Redis and RabbitMQ.
    Distributed,
    /// The `standalone` binary.
    Standalone,
}

/// The servers of a distributed system, each behind a proxy.
pub struct Servers {
    /// In front of PostgreSQL.
    pub postgres: Proxy,
    /// In front of Redis.
    pub redis: Proxy,
    /// In front of RabbitMQ.
    pub rabbitmq: Proxy,
    /// The database of this system alone.
    database: String,
}

impl Servers {
    /// Makes a database and puts a proxy before each server.
    pub async fn prepare() -> Self {
        let database = format!("acceptance_{}", unique());
        administer(&format!("CREATE DATABASE {database}")).await;
        let mut postgres_url = server_url("TEST_POSTGRES_URL");
        postgres_url.set_path(&database);
        Self {
            postgres: Proxy::before(&postgres_url).await,
            redis: Proxy::before(&server_url("TEST_REDIS_URL")).await,
            rabbitmq: Proxy::before(&server_url("TEST_AMQP_URL")).await,
            database,
        }
    }

    /// The settings that lead a service to them; names of its own in those that are shared.
    pub fn settings(&self) -> Vec<(String, String)> {
        let name = &self.database;
        pairs(&[
            ("postgres.url", self.postgres.url().as_str()),
            ("redis.url", self.redis.url().as_str()),
            ("redis.key_prefix", name),
            ("rabbitmq.url", self.rabbitmq.url().as_str()),
            ("rabbitmq.exchange", name),
            ("rabbitmq.retry_delays_seconds", "1"),
        ])
    }

    /// Drops the database.
    pub async fn clean_up(&self) {
        administer(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database)).await;
    }
}

fn server_url(variable: &str) -> Url {
    required(variable).parse().unwrap_or_else(|error| panic!("{variable} is not a URL: {error}"))
}

async fn administer(statement: &str) {
    let url = required("TEST_POSTGRES_URL");
    let (client, connection) =
        tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("PostgreSQL at TEST_POSTGRES_URL");
    let connection = tokio::spawn(connection);
    client.batch_execute(statement).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

/// Settings as pairs of owned texts.
pub fn pairs(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Where the process that serves the API listens.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// The base URL of the API.
    pub api: String,
    /// The base URL of the operator's listener.
    pub operator: String,
}

/// The API and the worker, not started yet. The database is migrated.
pub async fn distributed(settings: &[(String, String)]) -> (Process, Process, Addresses) {
    let (api_settings, addresses) = listening(settings);
    let (worker_settings, worker_addresses) = listening(settings);
    let migration =
        Process::new(binary("registration-api"), vec!["migrate".into()], &api_settings, String::new());
    let (status, output) = migration.run_to_end().await;
    assert_eq!(status, Some(0), "{output}");
    let ready = format!("{}/health/ready", addresses.api);
    let api = Process::new(binary("registration-api"), Vec::new(), &api_settings, ready);
    let ready = format!("{}/health/ready", worker_addresses.operator);
    let worker = Process::new(binary("email-worker"), Vec::new(), &worker_settings, ready);
    (api, worker, addresses)
}

/// The standalone process, not started yet.
pub fn standalone(settings: &[(String, String)], data: &TempDir) -> (Process, Addresses) {
    let (settings, addresses) = listening(settings);
    let arguments = vec!["--data-dir".to_owned(), data.path().display().to_string()];
    let ready = format!("{}/health/ready", addresses.api);
    (Process::new(binary("standalone"), arguments, &settings, ready), addresses)
}

/// Adds listeners on free ports.
fn listening(settings: &[(String, String)]) -> (Vec<(String, String)>, Addresses) {
    let api = format!("127.0.0.1:{}", free_port());
    let operator = format!("127.0.0.1:{}", free_port());
    let mut settings = settings.to_vec();
    settings.extend(pairs(&[("http.listen", &api), ("metrics.listen", &operator)]));
    (settings, Addresses { api: format!("http://{api}"), operator: format!("http://{operator}") })
}
