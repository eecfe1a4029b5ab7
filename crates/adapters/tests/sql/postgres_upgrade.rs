//! The version before goes on working while this one migrates, and afterwards.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use test_support::{eventually, unique_id, unique_name};
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, NoTls, Statement};

use crate::fixtures::user;
use crate::postgres::{TestDatabase, options, store_on};

/// The longest that a write of the version before may wait.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The schema of the version before, as that version leaves it, with enough rows for an index to
/// take its time.
const SCHEMA_BEFORE: [&str; 3] = [
    include_str!("../../../../migrations/postgres/2026-01-01-000001_users/up.sql"),
    include_str!("../../../../migrations/postgres/2026-01-01-000002_outbox/up.sql"),
    "CREATE TABLE __diesel_schema_migrations (
        version varchar(50) PRIMARY KEY NOT NULL,
        run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
     );
     INSERT INTO __diesel_schema_migrations (version) VALUES ('20260101000001'), ('20260101000002');
     INSERT INTO users (id, email, email_key, password_hash, code_number)
     SELECT gen_random_uuid(), n || '@example.com', n || '@example.com', '$hash', 1
     FROM generate_series(1, 200000) AS n",
];

/// The statements of the version before, each with the user's id as text and the address.
const STATEMENTS_BEFORE: [&str; 9] = [
    "INSERT INTO users (id, email, email_key, password_hash, code_number)
     VALUES ($1::text::uuid, $2, lower($2::text), '$hash', 1)
     ON CONFLICT ON CONSTRAINT users_email_key DO UPDATE SET
        id = excluded.id, email = excluded.email, password_hash = excluded.password_hash,
        code_number = excluded.code_number, code_expires_at = NULL, repetition_noted_at = NULL,
        code_requested_at = clock_timestamp()
     WHERE users.activated_at IS NULL AND users.code_expires_at <= clock_timestamp()",
    "INSERT INTO outbox (id, type, user_id, code_number, traceparent)
     SELECT gen_random_uuid(), 'user.registered', $1::text::uuid, 1, 't' WHERE $2::text <> ''",
    "SELECT id, email, password_hash, code_number, code_expires_at IS NOT NULL, activated_at IS NOT NULL
     FROM users WHERE email_key = $2::text AND $1::text <> ''",
    "SELECT id, email, password_hash, code_number, code_expires_at IS NOT NULL, activated_at IS NOT NULL
     FROM users WHERE id = $1::text::uuid AND $2::text <> ''",
    "UPDATE users SET code_expires_at = clock_timestamp() + interval '1 minute'
     WHERE id = $1::text::uuid AND code_number = 1 AND activated_at IS NULL AND $2::text <> ''",
    "UPDATE users SET code_number = 2, code_expires_at = NULL, code_requested_at = clock_timestamp()
     WHERE id = $1::text::uuid AND code_number = 1 AND activated_at IS NULL AND $2::text <> ''",
    "UPDATE users SET code_number = 2, activated_at = clock_timestamp()
     WHERE id = $1::text::uuid AND code_number = 2 AND activated_at IS NULL AND $2::text <> ''",
    "WITH due AS MATERIALIZED (
        SELECT id FROM outbox WHERE failed_at IS NULL AND due_at <= now() AND $2::text <> '' AND $1::text <> ''
        ORDER BY due_at, id LIMIT 100 FOR UPDATE SKIP LOCKED
     ), claimed AS (
        UPDATE outbox SET due_at = clock_timestamp() + interval '1 minute', attempts = attempts + 1
        FROM due WHERE outbox.id = due.id RETURNING outbox.*
     )
     SELECT id, type AS kind, user_id, code_number, traceparent, attempts FROM claimed ORDER BY id",
    "DELETE FROM outbox WHERE user_id = $1::text::uuid AND $2::text <> ''",
];

/// A process of the version before.
struct Before {
    client: Client,
    statements: Vec<Statement>,
}

impl Before {
    async fn connect(database: &TestDatabase) -> Self {
        let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        let wait = LONGEST_WAIT.as_millis();
        let settings = format!("SET lock_timeout = {wait}; SET statement_timeout = {wait}");
        client.batch_execute(&settings).await.unwrap();
        let mut statements = Vec::new();
        for statement in STATEMENTS_BEFORE {
            statements.push(client.prepare(statement).await.unwrap());
        }
        Self { client, statements }
    }

    /// A registration from its claim to the activation.
    async fn register(&self) {
        let (id, email) = (unique_id().to_string(), format!("{}@example.com", unique_name()));
        for (number, statement) in self.statements.iter().enumerate() {
            let outcome = self.client.execute(statement, &[&id, &email]).await;
            let affected = outcome.unwrap_or_else(|error| panic!("statement {number}: {error:?}"));
            // What another of these processes claims meanwhile is not for this one.
            assert!(affected >= 1 || number >= 7, "statement {number} found nothing");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_before_registers_during_and_after_the_migration() {
    let database = TestDatabase::empty().await;
    let mut connection = database.connect().await;
    for statements in SCHEMA_BEFORE {
        connection.batch_execute(statements).await.unwrap();
    }
    let before = Before::connect(&database).await;
    let (registered, is_over) = (AtomicU32::new(0), AtomicBool::new(false));
    let registering = async {
        while !is_over.load(Ordering::Relaxed) {
            before.register().await;
            registered.fetch_add(1, Ordering::Relaxed);
        }
    };
    let migrating = async {
        eventually("a registration", async || {
            (registered.load(Ordering::Relaxed) > 0).then_some(())
        })
        .await;
        let applied = adapters::postgres::migrate(&options(&database.url())).await.unwrap();
        let meanwhile = registered.load(Ordering::Relaxed);
        eventually("a registration afterwards", async || {
            (registered.load(Ordering::Relaxed) > meanwhile).then_some(())
        })
        .await;
        is_over.store(true, Ordering::Relaxed);
        (applied, meanwhile)
    };
    let ((applied, meanwhile), (), files) =
        tokio::join!(migrating, registering, hold_rows_until_locked(&database));
    assert!(applied > 0 && meanwhile > 1, "{applied} migrations, {meanwhile} registrations");
    // With more rows there would be no time for more than a change of catalogues under the lock.
    assert_eq!(files_of(&mut connection, "users_email_key").await, files, "something was rebuilt");
    // One that starts afterwards, and this version beside it.
    Before::connect(&database).await.register().await;
    let store = store_on(&options(&database.url()), ());
    store.users.claim(&user("ada@example.com"), &[]).await.unwrap();
    store.users.ping().await.unwrap();
}

#[derive(QueryableByName, Debug, PartialEq)]
struct Files {
    #[diesel(sql_type = BigInt)]
    of_table: i64,
    #[diesel(sql_type = BigInt)]
    of_index: i64,
}

/// The files of the table of users and of one of its indexes: others, once they are built anew.
async fn files_of(connection: &mut AsyncPgConnection, index: &str) -> Files {
    // Not for the whole file: it would take over the methods of the other driver.
    use diesel_async::RunQueryDsl as _;

    let files = sql_query(
        "SELECT pg_relation_filenode('users')::bigint AS of_table,
                pg_relation_filenode($1::regclass)::bigint AS of_index",
    );
    files.bind::<Text, _>(index).get_result(connection).await.unwrap()
}

/// At each moment a transaction uses the table, and another follows before it ends, until the
/// migration asks for the table; the last one outlasts what others may wait. Returns the files
/// while the migration has to wait.
async fn hold_rows_until_locked(database: &TestDatabase) -> Files {
    let mut observer = database.connect().await;
    let mut slow = begin(database, 1).await;
    for number in 2.. {
        if timeout(LONGEST_WAIT, until_asked_for(&mut observer)).await.is_ok() {
            break;
        }
        let next = begin(database, number).await;
        slow.batch_execute("COMMIT").await.unwrap();
        slow = next;
    }
    let files = files_of(&mut observer, "users_email_key_in_c").await;
    sleep(2 * LONGEST_WAIT).await;
    slow.batch_execute("COMMIT").await.unwrap();
    files
}

async fn begin(database: &TestDatabase, number: u32) -> AsyncPgConnection {
    let mut connection = database.connect().await;
    let update =
        format!("UPDATE users SET code_number = 1 WHERE email_key = '{number}@example.com'");
    connection.batch_execute(&format!("BEGIN; {update}")).await.unwrap();
    connection
}

/// Returns while somebody waits for the table to be nobody else's.
async fn until_asked_for(observer: &mut AsyncPgConnection) {
    use diesel_async::RunQueryDsl as _;

    const WAITING: &str = "SELECT 1 FROM pg_locks WHERE relation = 'users'::regclass
        AND mode = 'AccessExclusiveLock' AND NOT granted";
    while sql_query(WAITING).execute(observer).await.unwrap() == 0 {
        sleep(LONGEST_WAIT / 50).await;
    }
}

/// As after a power failure while the index was built: what was left of it is in the way.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_migration_is_begun_again() {
    let database = TestDatabase::empty().await;
    let mut connection = database.connect().await;
    for statements in SCHEMA_BEFORE {
        connection.batch_execute(statements).await.unwrap();
    }
    let spoil =
        "INSERT INTO users SELECT gen_random_uuid(), email, 'twice', password_hash, code_number FROM users
        WHERE email_key = '1@example.com';
        ALTER TABLE users DROP CONSTRAINT users_email_key;
        UPDATE users SET email_key = '1@example.com' WHERE email_key = 'twice'";
    connection.batch_execute(spoil).await.unwrap();
    adapters::postgres::migrate(&options(&database.url())).await.unwrap_err();
    let repair = "DELETE FROM users WHERE email_key = '1@example.com';
        ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email_key)";
    connection.batch_execute(repair).await.unwrap();
    let applied = adapters::postgres::migrate(&options(&database.url())).await.unwrap();
    let all = TestDatabase::empty().await;
    let all = adapters::postgres::migrate(&options(&all.url())).await.unwrap();
    assert_eq!(applied, all - 2, "all but those of the version before");
    let store = store_on(&options(&database.url()), ());
    store.users.claim(&user("ada@example.com"), &[]).await.unwrap();
    store.users.ping().await.unwrap();
}
