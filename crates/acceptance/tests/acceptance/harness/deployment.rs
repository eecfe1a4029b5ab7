//! The two ways in which the product is deployed, and the settings each is started with.

use reqwest::Url;
use tempfile::TempDir;

use super::account::unique;
use super::environment::{binary, required};
use super::port::free_port;
use super::process::Process;
use super::proxy::Proxy;

/// How the product runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Deployment {
    /// `registration-api` and `email-worker` on PostgreSQL, Redis and RabbitMQ.
    Distributed,
    /// The `standalone` binary.
    Standalone,
}

/// The servers of a distributed system, each behind a proxy.
pub(crate) struct Servers {
    pub(crate) postgres: Proxy,
    pub(crate) redis: Proxy,
    pub(crate) rabbitmq: Proxy,
    /// The database of this system alone.
    database: String,
}

impl Servers {
    /// Makes a database and puts a proxy before each server.
    pub(crate) async fn prepare() -> Self {
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
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
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
    pub(crate) async fn clean_up(&self) {
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
pub(crate) fn pairs(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The API and the worker, not started yet, and the API's base URL. The database is migrated.
pub(crate) async fn distributed(settings: &[(String, String)]) -> (Process, Process, String) {
    let (api_settings, api_url, _) = listening(settings);
    let (worker_settings, _, worker_health) = listening(settings);
    let migration =
        Process::new(binary("registration-api"), vec!["migrate".into()], &api_settings, String::new());
    let (status, output) = migration.run_to_end().await;
    assert_eq!(status, Some(0), "{output}");
    let ready = format!("{api_url}/health/ready");
    let api = Process::new(binary("registration-api"), Vec::new(), &api_settings, ready);
    let worker = Process::new(
        binary("email-worker"),
        Vec::new(),
        &worker_settings,
        format!("{worker_health}/health/ready"),
    );
    (api, worker, api_url)
}

/// The standalone process, not started yet, and the API's base URL.
pub(crate) fn standalone(settings: &[(String, String)], data: &TempDir) -> (Process, String) {
    let (settings, api_url, _) = listening(settings);
    let arguments = vec!["--data-dir".to_owned(), data.path().display().to_string()];
    let ready = format!("{api_url}/health/ready");
    (Process::new(binary("standalone"), arguments, &settings, ready), api_url)
}

/// Adds listeners on free ports. Returns the base URLs of the API and of the operator's listener too.
fn listening(settings: &[(String, String)]) -> (Vec<(String, String)>, String, String) {
    let api = format!("127.0.0.1:{}", free_port());
    let operator = format!("127.0.0.1:{}", free_port());
    let mut settings = settings.to_vec();
    settings.extend(pairs(&[("http.listen", &api), ("metrics.listen", &operator)]));
    (settings, format!("http://{api}"), format!("http://{operator}"))
}
