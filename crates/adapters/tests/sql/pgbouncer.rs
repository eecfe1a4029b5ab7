//! PgBouncer in transaction mode between the stores and PostgreSQL: each transaction may have
//! another session, and what one client leaves in a session, another one finds.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use adapters::postgres::{PostgresOptions, migrate, revert_all};
use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::ErrorChain;
use domain::ports::{ClaimError, PurgeAges};
use futures::future::join_all;
use tempfile::TempDir;
use test_servers::Interrupt;
use test_support::{eventually, soon};
use tokio::task::spawn_blocking;
use tokio_postgres::config::Host;

use crate::fixtures::{LONG_PERIOD, Store, event, events_of, user};
use crate::postgres::{TestDatabase, options, server_url, store_on, url_behind};

/// Fewer sessions than clients, so that they have to share.
const SESSIONS: u16 = 3;

/// A pooler of the test's own in front of the server, killed with it.
pub(crate) struct PgBouncer {
    pooler: test_servers::PgBouncer,
    // Dropped last: the pooler writes to it.
    _folder: TempDir,
}

impl PgBouncer {
    /// Leads to the database that a client names.
    pub(crate) async fn start() -> Self {
        Self::start_before(server()).await
    }

    /// Leads to this database, whatever a client names.
    pub(crate) async fn start_for(database: &TestDatabase) -> Self {
        Self::start_before(format!("{} dbname={}", server(), database.name())).await
    }

    async fn start_before(server: String) -> Self {
        let started = spawn_blocking(move || {
            let folder = tempfile::tempdir().unwrap();
            // It runs as another user where root runs us.
            set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
            let mut pooler =
                test_servers::PgBouncer::start(folder.path(), &server, SESSIONS).unwrap();
            pooler.server.wait_until_ready(&Interrupt::never()).unwrap();
            Self { pooler, _folder: folder }
        });
        started.await.unwrap()
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.pooler.server.port())
    }

    fn url(&self, database: &TestDatabase) -> String {
        url_behind(self.address(), database.name(), "")
    }

    pub(crate) fn options(&self, database: &TestDatabase) -> PostgresOptions {
        PostgresOptions { transaction_pooling: true, ..options(&self.url(database)) }
    }
}

/// Where the server is, in the words of the pooler's configuration.
fn server() -> String {
    let server: tokio_postgres::Config = server_url().parse().unwrap();
    let Host::Tcp(host) = &server.get_hosts()[0] else {
        panic!("TEST_POSTGRES_URL names no TCP host")
    };
    let server_port = server.get_ports().first().copied().unwrap_or(5432);
    let user = server.get_user().unwrap_or("postgres");
    let password = server.get_password().map(|password| {
        let password = String::from_utf8_lossy(password).replace('\'', "''");
        format!(" password='{password}'")
    });
    let password = password.unwrap_or_default();
    format!("host={host} port={server_port} user={user}{password}")
}

/// A fresh store behind a pooler.
pub(crate) async fn store() -> Store {
    let (pooler, database) = (PgBouncer::start().await, TestDatabase::migrated().await);
    store_on(&pooler.options(&database), (pooler, database))
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_leave_no_lock_and_no_statement_behind_in_a_pooled_session() {
    let (pooler, database) = (PgBouncer::start().await, TestDatabase::empty().await);
    let options_behind = pooler.options(&database);
    let count = migrate(&options_behind).await.unwrap();
    for _ in 0..3 {
        assert_eq!(migrate(&options_behind).await.unwrap(), 0);
    }
    let direct = options(&database.url());
    assert_eq!(Box::pin(soon("a direct migration", migrate(&direct))).await.unwrap(), 0);
    assert_eq!(revert_all(&options_behind).await.unwrap(), count);
    assert_eq!(Box::pin(soon("a direct migration", migrate(&direct))).await.unwrap(), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_behind_a_pooler_migrate_once() {
    let (pooler, database) = (PgBouncer::start().await, TestDatabase::empty().await);
    let options = pooler.options(&database);
    let counts = join_all((0..SESSIONS - 1).map(|_| migrate(&options)))
        .await
        .into_iter()
        .map(Result::unwrap);
    assert_eq!(counts.filter(|count| *count > 0).count(), 1);
}

/// A registration from its claim to the activation, and its events.
async fn journey(store: &Store, name: usize) {
    let mut ada = user(&format!("a{name}@example.com"));
    let events = events_of(&mut ada);
    store.users.claim(&ada, &events).await.unwrap();
    let taken = store.users.claim(&user(&format!("a{name}@example.com")), &[]).await;
    assert!(matches!(taken, Err(ClaimError::EmailTaken)), "{taken:?}");
    store.users.hold_address(ada.issue(), LONG_PERIOD).await.unwrap();
    let mut found = store.users.find_by_email(ada.email()).await.unwrap().unwrap();
    let seen = found.issue();
    found.activate().unwrap();
    let events: Vec<_> = found.take_events().into_iter().map(event).collect();
    store.users.save(&found, seen, &events).await.unwrap();
    assert!(store.users.find(ada.id()).await.unwrap().unwrap().is_active());
    let ages = PurgeAges { mailed: LONG_PERIOD, unmailed: LONG_PERIOD };
    store.users.purge_unverified(ages, 10).await.unwrap();
    store.users.ping().await.unwrap();
    for entry in store.outbox.claim(100, LONG_PERIOD).await.unwrap() {
        store.outbox.delete(&[entry.event.id]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_share_sessions_do_not_disturb_each_other() {
    let (pooler, database) = (PgBouncer::start().await, TestDatabase::migrated().await);
    // As two processes would have them: each with connections and statements of its own.
    let stores = [(); 2].map(|()| store_on(&pooler.options(&database), ()));
    let journeys = (0..40).map(|name| journey(&stores[name % 2], name));
    join_all(journeys).await;
    let leftovers =
        "SELECT current_setting('statement_timeout') || ' ' || current_setting('TimeZone') || ' '
        || (SELECT count(*) FROM pg_prepared_statements) AS line";
    let mut direct = AsyncPgConnection::establish(&server_url()).await.unwrap();
    let expected = settings_of(
        &mut direct,
        "SELECT current_setting('statement_timeout') || ' '
        || (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone') || ' 0' AS line",
    )
    .await;
    let (client, connection) =
        tokio_postgres::connect(&pooler.url(&database), tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..SESSIONS {
        let rows = client.simple_query(leftovers).await.unwrap();
        let found = rows.iter().find_map(|row| match row {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get("line").map(str::to_owned),
            _ => None,
        });
        assert_eq!(found.as_deref(), Some(&*expected), "a client left something in a session");
    }
    drop(client);
    connection.await.unwrap().unwrap();
}

async fn settings_of(connection: &mut AsyncPgConnection, query: &str) -> String {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    sql_query(query).get_result::<Line>(connection).await.unwrap().line
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_behind_a_pooler_is_ended_on_the_server_too() {
    let (pooler, database) = (PgBouncer::start().await, TestDatabase::migrated().await);
    let mut locker = database.connect().await;
    locker.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let impatient = PostgresOptions {
        statement_timeout: Duration::from_millis(300),
        ..pooler.options(&database)
    };
    let store = store_on(&impatient, ());
    store.users.claim(&user("ada@example.com"), &[]).await.unwrap_err();
    let mut observer = database.connect().await;
    let busy = "SELECT count(*)::text AS line FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("the statement to end", async || {
        (settings_of(&mut observer, busy).await == "0").then_some(())
    })
    .await;
    locker.batch_execute("ROLLBACK").await.unwrap();
    eventually("a claim", async || store.users.claim(&user("bob@example.com"), &[]).await.ok())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_nobody_told_of_is_named_in_the_refusal() {
    let (pooler, database) = (PgBouncer::start().await, TestDatabase::migrated().await);
    let untold = PostgresOptions { transaction_pooling: false, ..pooler.options(&database) };
    let stores = [(); 2].map(|()| store_on(&untold, ()));
    let refusal = eventually("clients that get in each other's way", async || {
        let pings = stores.iter().flat_map(|store| (0..10).map(|_| store.users.ping()));
        let mut refusals = join_all(pings)
            .await
            .into_iter()
            .filter_map(Result::err)
            .map(|error| ErrorChain(&error).to_string());
        refusals.find(|text| text.contains("same session"))
    })
    .await;
    assert!(refusal.contains("postgres.transaction_pooling"), "{refusal}");
}
