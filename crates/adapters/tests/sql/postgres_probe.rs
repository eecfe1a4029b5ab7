//! A PostgreSQL server that answers but cannot be used: it is seen, and left for one that can.

use adapters::postgres::PostgresOptions;
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::ErrorChain;
use test_support::{eventually, unique_name};

use crate::fixtures::{Store, user};
use crate::pgbouncer::PgBouncer;
use crate::postgres::{TestDatabase, options, store_on, url_behind};

/// Why the store does not answer.
async fn refusal(store: &Store) -> String {
    let refusal = store.users.ping().await.expect_err("the store should not answer");
    ErrorChain(&refusal).to_string()
}

async fn execute(connection: &mut AsyncPgConnection, sql: &str) {
    connection.batch_execute(sql).await.unwrap();
}

/// Makes new sessions read-only, or not, and ends those that there are.
async fn set_read_only(observer: &mut AsyncPgConnection, database: &str, value: &str) {
    let end = format!(
        "ALTER DATABASE {database} SET default_transaction_read_only = {value};
         SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
         WHERE datname = '{database}' AND pid <> pg_backend_pid()"
    );
    execute(observer, &end).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_does_not_answer_until_it_takes_writes_again() {
    let database = TestDatabase::migrated().await;
    let (mut observer, name) = (database.connect().await, database.name().to_owned());
    let store = store_on(&options(&database.url()), database);
    set_read_only(&mut observer, &name, "on").await;
    assert!(refusal(&store).await.contains("does not allow writes"), "{}", refusal(&store).await);
    store.users.claim(&user("ada@example.com"), &[]).await.unwrap_err();
    set_read_only(&mut observer, &name, "off").await;
    store.users.ping().await.unwrap();
    store.users.claim(&user("ada@example.com"), &[]).await.unwrap();
}

/// As after a fail-over in which connections survive: the server itself says that a session takes
/// no writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_takes_no_writes_any_more_is_replaced_at_once() {
    let database = TestDatabase::migrated().await;
    let mut observer = database.connect().await;
    let demote = "
        CREATE FUNCTION demote() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM set_config('default_transaction_read_only', 'on', false); RETURN NEW; END $$;
        CREATE TRIGGER demote AFTER INSERT ON users FOR EACH ROW
        WHEN (NEW.email_key = 'demote@example.com') EXECUTE FUNCTION demote()";
    execute(&mut observer, demote).await;
    let store = store_on(&PostgresOptions { pool_size: 1, ..options(&database.url()) }, database);
    store.users.claim(&user("demote@example.com"), &[]).await.unwrap();
    let refused = store.users.claim(&user("ada@example.com"), &[]).await.unwrap_err();
    assert!(ErrorChain(&refused).to_string().contains("read-only transaction"), "{refused:?}");
    store.users.claim(&user("ada@example.com"), &[]).await.unwrap();
}

async fn users_in(connection: &mut AsyncPgConnection) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    sql_query("SELECT count(*) FROM users").get_result::<Count>(connection).await.unwrap().count
}

/// Each host is a pooler, whose connections outlive those to the server behind it.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_hosts_the_one_that_takes_writes_is_used_even_when_it_changes() {
    let [first, second] = [TestDatabase::migrated().await, TestDatabase::migrated().await];
    let [mut to_first, mut to_second] = [first.connect().await, second.connect().await];
    let poolers = [PgBouncer::start_for(&first).await, PgBouncer::start_for(&second).await];
    let url = url_behind(poolers.each_ref().map(PgBouncer::address).join(","), &unique_name(), "");
    set_read_only(&mut to_first, first.name(), "on").await;
    let store = store_on(&PostgresOptions { transaction_pooling: true, ..options(&url) }, ());
    store.users.claim(&user("ada@example.com"), &[]).await.unwrap();
    assert_eq!((users_in(&mut to_first).await, users_in(&mut to_second).await), (0, 1));

    set_read_only(&mut to_second, second.name(), "on").await;
    set_read_only(&mut to_first, first.name(), "off").await;
    eventually("the new primary", async || {
        store.users.claim(&user("bob@example.com"), &[]).await.ok()
    })
    .await;
    assert_eq!((users_in(&mut to_first).await, users_in(&mut to_second).await), (1, 1));
    store.users.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_older_schema_does_not_answer_and_says_what_to_do() {
    let empty = TestDatabase::empty().await;
    let store = store_on(&options(&empty.url()), empty);
    assert!(
        refusal(&store).await.contains("registration-api migrate"),
        "{}",
        refusal(&store).await
    );

    let database = TestDatabase::migrated().await;
    let mut observer = database.connect().await;
    let store = store_on(&options(&database.url()), database);
    store.users.ping().await.unwrap();
    // A newer version's migration is no trouble.
    execute(&mut observer, "INSERT INTO __diesel_schema_migrations (version) VALUES ('99999999')")
        .await;
    store.users.ping().await.unwrap();
    let forget = "DELETE FROM __diesel_schema_migrations WHERE version =
        (SELECT max(version) FROM __diesel_schema_migrations WHERE version <> '99999999')";
    execute(&mut observer, forget).await;
    assert!(
        refusal(&store).await.contains("registration-api migrate"),
        "{}",
        refusal(&store).await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_cannot_be_written_does_not_answer() {
    let database = TestDatabase::migrated().await;
    let mut observer = database.connect().await;
    let store = store_on(&options(&database.url()), database);
    for table in ["users", "outbox"] {
        execute(&mut observer, &format!("ALTER TABLE {table} RENAME TO hidden")).await;
        assert!(refusal(&store).await.contains(table), "{}", refusal(&store).await);
        execute(&mut observer, &format!("ALTER TABLE hidden RENAME TO {table}")).await;
        store.users.ping().await.unwrap();
    }
}
