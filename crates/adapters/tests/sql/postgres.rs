//! PostgreSQL: a fresh database a test, and how to reach it.

use std::any::Any;
use std::fmt::Display;
use std::sync::{Arc, Weak};
use std::time::Duration;

use adapters::hand_over::HandOver;
use adapters::postgres::{
    Database, PostgresDeadLetters, PostgresOptions, PostgresOutbox, PostgresOutboxMonitor,
    PostgresSuppressions, PostgresUserRepository, migrate,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use secrecy::ExposeSecret;
use test_support::unique_name;
use tokio_postgres::config::Host;

use crate::fixtures::{LONG_PERIOD, Location, Store};

/// Options as a service would have them, but impatient enough for a test.
pub(crate) fn options(url: &str) -> PostgresOptions {
    PostgresOptions {
        url: url.to_owned().into(),
        pool_size: 10,
        connect_timeout: Duration::from_secs(5),
        wait_timeout: Duration::from_secs(5),
        statement_timeout: Duration::from_secs(5),
        transaction_pooling: false,
    }
}

/// The server that the tests were given.
pub(crate) fn server_url() -> String {
    std::env::var("TEST_POSTGRES_URL")
        .expect("TEST_POSTGRES_URL is not set: run `cargo xtask test`")
}

/// The URL of another database on the same server.
fn url_of(database: &str) -> String {
    let server = server_url();
    let (server, query) =
        server.split_once('?').map_or((server.as_str(), ""), |(url, query)| (url, query));
    let (server, _) = server.rsplit_once('/').expect("TEST_POSTGRES_URL names a database");
    format!("{server}/{database}?{query}")
}

/// The URL of a database behind a proxy that listens on `address`.
pub(crate) fn url_behind(address: impl Display, database: &str, query: &str) -> String {
    let server = server_url();
    let (_, server) = server.split_once("://").expect("TEST_POSTGRES_URL is a URL");
    let credentials = server.rsplit_once('@').map(|(credentials, _)| format!("{credentials}@"));
    format!("postgres://{}{address}/{database}?{query}", credentials.unwrap_or_default())
}

/// `host:port` of the server.
pub(crate) fn server_address() -> String {
    let config: tokio_postgres::Config = server_url().parse().unwrap();
    let Host::Tcp(host) = &config.get_hosts()[0] else {
        panic!("TEST_POSTGRES_URL names no TCP host")
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!("{host}:{port}")
}

async fn administer(sql: &str) {
    let mut connection = AsyncPgConnection::establish(&server_url()).await.unwrap();
    connection.batch_execute(sql).await.unwrap();
}

/// A database that is dropped when nobody uses it any more.
pub(crate) struct TestDatabase {
    name: String,
    _template: Option<Arc<TestDatabase>>,
}

impl TestDatabase {
    /// A database without tables.
    pub(crate) async fn empty() -> Self {
        let name = format!("test_{}", unique_name());
        administer(&format!("CREATE DATABASE {name}")).await;
        Self { name, _template: None }
    }

    /// A copy of the migrated template, which lives as long as any of its copies.
    pub(crate) async fn migrated() -> Self {
        let template = template().await;
        let name = format!("test_{}", unique_name());
        administer(&format!("CREATE DATABASE {name} TEMPLATE {}", template.name)).await;
        Self { name, _template: Some(template) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn url(&self) -> String {
        url_of(&self.name)
    }

    pub(crate) async fn connect(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.url()).await.unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        // A thread with a runtime of its own: this one may be shutting down.
        let dropping = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(administer(&drop));
        });
        dropping.join().expect("the test's database can be dropped");
    }
}

async fn template() -> Arc<TestDatabase> {
    static TEMPLATE: tokio::sync::Mutex<Weak<TestDatabase>> =
        tokio::sync::Mutex::const_new(Weak::new());
    let mut template = TEMPLATE.lock().await;
    if let Some(template) = template.upgrade() {
        return template;
    }
    let database = Arc::new(TestDatabase::empty().await);
    migrate(&options(&database.url())).await.unwrap();
    *template = Arc::downgrade(&database);
    database
}

/// The three ports on one pool.
pub(crate) fn store_on(options: &PostgresOptions, keeper: impl Any + Send + Sync) -> Store {
    let database = Database::new(options).unwrap();
    let (hand_over, webhooks) = HandOver::with_webhook(LONG_PERIOD, vec!["user.activated"]);
    let users = Arc::new(PostgresUserRepository::new(database.clone(), hand_over.clone()));
    Store {
        users: users.clone(),
        accounts: users,
        suppressions: Arc::new(PostgresSuppressions::new(database.clone())),
        outbox: Arc::new(PostgresOutbox::new(database.clone(), hand_over)),
        monitor: Arc::new(PostgresOutboxMonitor::new(database.clone())),
        webhooks: Arc::new(PostgresOutbox::of_webhook(database.clone(), webhooks)),
        webhook_monitor: Arc::new(PostgresOutboxMonitor::of_webhook(database.clone())),
        dead_letters: Arc::new(PostgresDeadLetters::new(database)),
        location: Location::Postgres(options.url.expose_secret().to_owned()),
        _keeper: Box::new(keeper),
    }
}

/// A fresh store for one test.
pub(crate) async fn store() -> Store {
    let database = TestDatabase::migrated().await;
    store_on(&options(&database.url()), database)
}
