//! What `doctor` says about PostgreSQL: each problem provoked on a real server.

use adapters::postgres::{PostgresOptions, diagnose};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use domain::{Finding, Severity};
use test_support::{Proxy, free_port, unique_name};

use crate::pgbouncer::PgBouncer;
use crate::postgres::{TestDatabase, options, server_address, server_url, url_behind};

/// A password that no finding may hold.
const CANARY: &str = "hush-hush";

/// The finding of a check, which must be there once.
#[track_caller]
fn only<'a>(findings: &'a [Finding], check: &str) -> &'a Finding {
    let mut found = findings.iter().filter(|finding| finding.check == check);
    let (Some(finding), None) = (found.next(), found.next()) else {
        panic!("{check} is not found once in {findings:#?}")
    };
    finding
}

/// That a check ends in an error with these words, and is the last one that is made.
#[track_caller]
fn assert_last_error(findings: &[Finding], check: &str, said: &str, advised: &str) {
    let finding = only(findings, check);
    assert_eq!(Some(finding), findings.last(), "{findings:#?}");
    assert_eq!(finding.severity, Severity::Error);
    let advice = finding.advice.as_deref().unwrap_or_default();
    assert!(finding.message.contains(said) && advice.contains(advised), "{finding:#?}");
    assert!(!format!("{findings:?}").contains(CANARY), "a password in {findings:#?}");
}

/// The options of a database, with a password that the server does not ask for.
fn with_canary(database: &TestDatabase) -> PostgresOptions {
    options(&with_credentials(&database.url(), "postgres"))
}

fn with_credentials(url: &str, user: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap();
    let address = rest.rsplit_once('@').map_or(rest, |(_, address)| address);
    format!("postgres://{user}:{CANARY}@{address}")
}

async fn execute(database: &TestDatabase, sql: &str) {
    database.connect().await.batch_execute(sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_can_be_used_has_no_error() {
    let database = TestDatabase::migrated().await;
    let findings = diagnose(with_canary(&database)).await;
    let checks: Vec<_> = findings.iter().map(|finding| finding.check).collect();
    assert_eq!(
        checks,
        [
            "postgres.connection",
            "postgres.tls",
            "postgres.pooler",
            "postgres.version",
            "postgres.clock",
            "postgres.latency",
            "postgres.durability",
            "postgres.connections",
            "postgres.schema",
            "postgres.privileges",
            "postgres.writes",
        ]
    );
    assert!(findings.iter().all(|f| f.severity != Severity::Error), "{findings:#?}");
    assert!(only(&findings, "postgres.connection").message.ends_with(database.name()));
    assert!(!format!("{findings:?}").contains(CANARY), "a password in {findings:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_13_3_1_a_server_that_cannot_be_reached_is_named_without_its_password() {
    let at = |address: String| options(&with_credentials(&url_behind(address, "x", ""), "me"));
    let nobody = diagnose(at(format!("127.0.0.1:{}", free_port()))).await;
    assert_last_error(&nobody, "postgres.connection", "refused", "host and port");
    let silent = Proxy::start(server_address()).await;
    silent.stall();
    let mut impatient = at(silent.address().to_string());
    impatient.connect_timeout = std::time::Duration::from_millis(300);
    let silent = diagnose(impatient).await;
    assert_last_error(&silent, "postgres.connection", "", "firewalls");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_at_the_door_has_a_remedy_each() {
    let database = TestDatabase::migrated().await;
    let missing = with_credentials(&server_url(), "postgres");
    let missing = format!("{}/nothing_here", missing.rsplit_once('/').unwrap().0);
    let missing = diagnose(options(&missing)).await;
    assert_last_error(&missing, "postgres.connection", "does not exist", "create the database");
    let stranger = with_credentials(&database.url(), "nobody_at_all");
    let stranger = diagnose(options(&stranger)).await;
    assert_last_error(&stranger, "postgres.connection", "nobody_at_all", "user and password");
    let encrypted = format!("{}sslmode=require", with_credentials(&database.url(), "postgres"));
    let encrypted = diagnose(options(&encrypted)).await;
    assert_last_error(&encrypted, "postgres.connection", "TLS", "SSL_CERT_FILE");
    let read_only = "ALTER DATABASE {} SET default_transaction_read_only = on";
    execute(&database, &read_only.replace("{}", database.name())).await;
    let read_only = diagnose(with_canary(&database)).await;
    assert_last_error(&read_only, "postgres.connection", "does not allow writes", "primary");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_compared_with_what_this_program_needs() {
    let database = TestDatabase::empty().await;
    let findings = diagnose(with_canary(&database)).await;
    assert_last_error(&findings, "postgres.schema", "no schema yet", "registration-api migrate");

    let database = TestDatabase::migrated().await;
    execute(&database, "INSERT INTO __diesel_schema_migrations (version) VALUES ('99')").await;
    let newer = diagnose(with_canary(&database)).await;
    let schema = only(&newer, "postgres.schema");
    assert_eq!(schema.severity, Severity::Ok);
    assert!(schema.message.contains("1 of a newer version"), "{schema:?}");

    let latest = "DELETE FROM __diesel_schema_migrations WHERE version =
        (SELECT max(version) FROM __diesel_schema_migrations WHERE version <> '99')";
    execute(&database, latest).await;
    let older = diagnose(with_canary(&database)).await;
    assert_last_error(&older, "postgres.schema", "migrations are missing, from ", "migrate");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_may_not_do_is_listed() {
    let (database, role) = (TestDatabase::migrated().await, format!("reader_{}", unique_name()));
    let grant = format!(
        "CREATE ROLE {role} LOGIN; \
         GRANT SELECT ON users, outbox, webhook_outbox, suppressions TO {role}"
    );
    execute(&database, &grant).await;
    let reader = options(&with_credentials(&database.url(), &role));
    let cannot_see_the_version = diagnose(reader.clone()).await;
    execute(&database, &format!("GRANT SELECT ON __diesel_schema_migrations TO {role}")).await;
    let cannot_write = diagnose(reader).await;
    execute(&database, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    assert_last_error(
        &cannot_see_the_version,
        "postgres.queries",
        "permission denied for table __diesel_schema_migrations",
        "grant it",
    );
    let lacks = "lacks DELETE on outbox, INSERT on outbox, UPDATE on outbox, \
                 DELETE on suppressions, INSERT on suppressions, UPDATE on suppressions, \
                 DELETE on users, INSERT on users, UPDATE on users, DELETE on webhook_outbox, \
                 INSERT on webhook_outbox, UPDATE on webhook_outbox";
    assert_last_error(&cannot_write, "postgres.privileges", lacks, "GRANT SELECT, INSERT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_cannot_be_written_is_an_error() {
    let database = TestDatabase::migrated().await;
    let refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN RAISE EXCEPTION ''no space''; END';
        CREATE TRIGGER refuse BEFORE INSERT ON outbox EXECUTE FUNCTION refuse()";
    execute(&database, refuse).await;
    let findings = diagnose(with_canary(&database)).await;
    assert_last_error(&findings, "postgres.writes", "no space", "a registration would fail");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_pooler_is_seen_and_nothing_is_left_in_its_sessions() {
    let (pooler, database) = (PgBouncer::start().await, TestDatabase::migrated().await);
    let told = pooler.options(&database);
    let untold = PostgresOptions { transaction_pooling: false, ..told.clone() };
    let findings = diagnose(untold).await;
    let finding = only(&findings, "postgres.pooler");
    assert_eq!(finding.severity, Severity::Error);
    assert!(finding.advice.as_ref().unwrap().contains("postgres.transaction_pooling"));
    assert_eq!(only(&findings, "postgres.writes").severity, Severity::Ok);
    let mut observer = AsyncPgConnection::establish(&server_url()).await.unwrap();
    let sessions = "DO $$ BEGIN IF EXISTS (SELECT FROM pg_stat_activity
            WHERE datname = '{}' AND state LIKE 'idle in transaction%')
        THEN RAISE EXCEPTION 'a transaction is left open'; END IF; END $$";
    observer.batch_execute(&sessions.replace("{}", database.name())).await.unwrap();

    let findings = diagnose(told).await;
    assert_eq!(
        only(&findings, "postgres.pooler").message,
        "a transaction pooler, as the settings say"
    );
    let direct = PostgresOptions { transaction_pooling: true, ..options(&database.url()) };
    let findings = diagnose(direct).await;
    assert_eq!(only(&findings, "postgres.pooler").severity, Severity::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_larger_than_the_server_allows_is_a_warning() {
    let database = TestDatabase::migrated().await;
    let greedy = PostgresOptions { pool_size: 100_000, ..with_canary(&database) };
    let findings = diagnose(greedy).await;
    let finding = only(&findings, "postgres.connections");
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.message.contains("100000"), "{finding:?}");
}
