//! The servers that a distributed system needs.

use reqwest::Url;
use test_support::{Proxy, unique_name};

use super::settings::{Settings, pairs};
use crate::environment::required;

/// PostgreSQL, Redis and RabbitMQ, each behind a proxy.
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
    /// Creates a database and starts a proxy in front of each server.
    pub(super) async fn prepare() -> Self {
        let database = format!("acceptance_{}", unique_name());
        administer(&format!("CREATE DATABASE {database}")).await;
        Self {
            postgres: proxy_for("TEST_POSTGRES_URL").await,
            redis: proxy_for("TEST_REDIS_URL").await,
            rabbitmq: proxy_for("TEST_AMQP_URL").await,
            database,
        }
    }

    /// The settings that lead a service to them, with names of its own in the servers that systems
    /// share.
    pub(super) fn settings(&self) -> Settings {
        let mut postgres = through("TEST_POSTGRES_URL", &self.postgres);
        postgres.set_path(&self.database);
        pairs(&[
            ("postgres.url", postgres.as_str()),
            ("redis.url", through("TEST_REDIS_URL", &self.redis).as_str()),
            ("redis.key_prefix", &self.database),
            ("rabbitmq.url", through("TEST_AMQP_URL", &self.rabbitmq).as_str()),
            ("rabbitmq.exchange", &self.database),
            ("rabbitmq.retry_delays", "1s"),
        ])
    }

    /// Drops the database.
    pub(super) async fn clean_up(&self) {
        administer(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database)).await;
    }
}

fn server_url(variable: &str) -> Url {
    required(variable).parse().unwrap_or_else(|error| panic!("{variable} is not a URL: {error}"))
}

async fn proxy_for(variable: &str) -> Proxy {
    let url = server_url(variable);
    let (host, port) =
        (url.host_str().expect("a host in the URL"), url.port().expect("a port in the URL"));
    Proxy::start(format!("{host}:{port}")).await
}

/// A server's URL, by way of its proxy.
fn through(variable: &str, proxy: &Proxy) -> Url {
    let mut url = server_url(variable);
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.port())).unwrap();
    url
}

async fn administer(statement: &str) {
    let url = required("TEST_POSTGRES_URL");
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .expect("PostgreSQL at TEST_POSTGRES_URL");
    let connection = tokio::spawn(connection);
    client.batch_execute(statement).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}
