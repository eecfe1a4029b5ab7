//! A PostgreSQL server that goes away, hangs or is busy: every operation ends in time, and all is
//! well when the server is.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use adapters::postgres::{Database, PostgresOptions};
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::ports::{
    ClaimError, DeadLetterAction, DeadLetterSelection, PurgeAges, RepositoryError,
};
use domain::{Event, User};
use futures::FutureExt;
use futures::future::join_all;
use test_support::{Proxy, eventually};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use crate::dead_letters::apply;
use crate::fixtures::{LONG_PERIOD, SHORT_PERIOD, Store, events_of, user};
use crate::postgres::{TestDatabase, options, server_address, server_url, store_on, url_behind};

const OPERATION_TIMEOUT: Duration = Duration::from_millis(300);
/// For a machine that is busy with other things.
const GRACE: Duration = Duration::from_secs(10);

fn impatient(url: &str) -> PostgresOptions {
    PostgresOptions {
        connect_timeout: OPERATION_TIMEOUT,
        wait_timeout: OPERATION_TIMEOUT,
        statement_timeout: OPERATION_TIMEOUT,
        ..options(url)
    }
}

/// Claims as somebody does who is told to try again: a slow machine may take longer than the
/// timeout.
async fn claim_at_last(store: &Store, user: &User, events: &[Event]) {
    eventually("the claim to be accepted", async || match store.users.claim(user, events).await {
        // Taken by an attempt before, whose answer came too late.
        Ok(()) | Err(ClaimError::EmailTaken) => Some(()),
        Err(ClaimError::Repository(_)) => None,
    })
    .await;
}

/// Fails if the operation does not answer in time.
async fn in_time<T>(operation: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let answer = operation.await;
    assert!(
        start.elapsed() < 2 * OPERATION_TIMEOUT + GRACE,
        "answered after {:?}",
        start.elapsed()
    );
    answer
}

async fn survives(break_network: impl AsyncFnOnce(&Proxy)) {
    let proxy = Proxy::start(server_address()).await;
    let database = TestDatabase::migrated().await;
    let store = store_on(&impatient(&url_behind(proxy.address(), database.name(), "")), database);
    let ada = user("ada@example.com");
    claim_at_last(&store, &ada, &[]).await;
    // More than one connection is in the pool.
    eventually("five connections", async || {
        join_all((0..5).map(|_| store.users.ping())).await.iter().all(Result::is_ok).then_some(())
    })
    .await;
    break_network(&proxy).await;
    for _ in 0..5 {
        let found = in_time(store.users.find(ada.id())).await;
        assert!(matches!(found, Err(RepositoryError::Unavailable(_))));
    }
    let mut bob = user("bob@example.com");
    let events = events_of(&mut bob);
    let claimed = in_time(store.users.claim(&bob, &events)).await;
    assert!(matches!(claimed, Err(ClaimError::Repository(RepositoryError::Unavailable(_)))));
    assert!(in_time(store.users.ping()).await.is_err());
    assert!(in_time(store.outbox.claim(1, SHORT_PERIOD)).await.is_err());
    let all = DeadLetterSelection::default();
    assert!(in_time(apply(&*store.dead_letters, DeadLetterAction::List, &all)).await.is_err());
    proxy.restore().await;
    claim_at_last(&store, &bob, &events).await;
    // Not at once, if a claim was made and its answer came too late: its lease has to end first.
    let due = eventually("the event", async || {
        let due = store.outbox.claim(10, SHORT_PERIOD).await.ok()?;
        (!due.is_empty()).then_some(due)
    });
    assert_eq!(due.await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone() {
    survives(Proxy::cut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_13_1_3_a_server_that_hangs() {
    survives(async |proxy: &Proxy| proxy.stall()).await;
}

/// An address that never answers: its queue of connections is full, so that it ignores further
/// ones.
async fn black_hole() -> (SocketAddr, TcpListener, TcpStream) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let fills_it = TcpStream::connect(address).await.unwrap();
    let ignored = timeout(OPERATION_TIMEOUT, TcpStream::connect(address)).await;
    assert!(ignored.is_err(), "the test needs an address that does not answer");
    (address, listener, fills_it)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_host_that_does_not_answer_leaves_time_for_the_second() {
    let database = TestDatabase::migrated().await;
    let (silent, _listener, _fills_it) = black_hole().await;
    let proxy = Proxy::start(server_address()).await;
    let url = url_behind(format!("{silent},{}", proxy.address()), database.name(), "");
    let limit = Duration::from_secs(6);
    let store = store_on(
        &PostgresOptions { connect_timeout: limit, wait_timeout: 2 * limit, ..options(&url) },
        database,
    );
    store.users.ping().await.unwrap();
}

async fn lock_users(database: &TestDatabase) -> AsyncPgConnection {
    let mut connection = database.connect().await;
    connection.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    connection
}

/// How many connections of the store are in the midst of something.
async fn busy(connection: &mut AsyncPgConnection) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let busy = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'";
    sql_query(busy).get_result::<Count>(connection).await.unwrap().count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_has_to_wait_too_long_is_ended_on_the_server_too() {
    let database = TestDatabase::migrated().await;
    let mut observer = database.connect().await;
    let mut locker = lock_users(&database).await;
    let store = store_on(&impatient(&database.url()), database);
    let claimed = in_time(store.users.claim(&user("ada@example.com"), &[])).await;
    assert!(matches!(claimed, Err(ClaimError::Repository(RepositoryError::Unavailable(_)))));
    // The one that holds the lock is left.
    eventually("the statement to end on the server", async || {
        (busy(&mut observer).await == 1).then_some(())
    })
    .await;
    locker.batch_execute("ROLLBACK").await.unwrap();
    claim_at_last(&store, &user("ada@example.com"), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_13_1_3_an_exhausted_pool_is_waited_for_no_longer_than_allowed() {
    let database = TestDatabase::migrated().await;
    let mut observer = database.connect().await;
    let url = database.url();
    let one = PostgresOptions {
        pool_size: 1,
        wait_timeout: OPERATION_TIMEOUT,
        statement_timeout: LONG_PERIOD,
        ..options(&url)
    };
    let store = store_on(&one, ());
    eventually("a connection", async || store.users.ping().await.ok()).await;
    let mut locker = lock_users(&database).await;
    let ada = user("ada@example.com");
    let mut waiting = store.users.claim(&ada, &[]);
    assert!((&mut waiting).now_or_never().is_none());
    // The claim has the one connection once it waits for the lock, beside the one that holds it.
    eventually("the claim to wait for the lock", async || {
        (busy(&mut observer).await == 2).then_some(())
    })
    .await;
    let ping = in_time(store.users.ping()).await;
    assert!(matches!(ping, Err(RepositoryError::Unavailable(_))));
    locker.batch_execute("ROLLBACK").await.unwrap();
    waiting.await.unwrap();
    eventually("a connection", async || store.users.ping().await.ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_2_3_3_dropped_callers_leave_no_transaction_open() {
    let database = TestDatabase::migrated().await;
    let mut observer = database.connect().await;
    let store = store_on(&PostgresOptions { pool_size: 2, ..options(&database.url()) }, database);
    for number in 0..50 {
        let ada = user(&format!("a{number}@example.com"));
        let claim =
            tokio::time::timeout(Duration::from_micros(number * 20), store.users.claim(&ada, &[]));
        claim.await.ok();
    }
    eventually("all transactions to end", async || (busy(&mut observer).await == 0).then_some(()))
        .await;
    for number in 0..50 {
        let email = user(&format!("a{number}@example.com"));
        assert!(store.users.find_by_email(email.email()).await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_14_2_7_one_replica_purges_at_a_time() {
    let database = TestDatabase::migrated().await;
    let mut replica = database.connect().await;
    let store = store_on(&options(&database.url()), database);
    store.registered("ada@example.com").await;
    let at_once = PurgeAges { mailed: Duration::ZERO, unmailed: Duration::ZERO };
    replica.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(7021853662190146)").await.unwrap();
    assert_eq!(store.users.purge_unverified(at_once, 10).await.unwrap().total(), 0);
    replica.batch_execute("COMMIT").await.unwrap();
    assert_eq!(store.users.purge_unverified(at_once, 10).await.unwrap().total(), 1);
}

#[test]
fn options_that_cannot_work_get_one_sentence() {
    let refusal =
        |options: PostgresOptions| Database::new(&options).err().expect("refused").to_string();
    for end in ["localhost:port/db", "localhost/db?sslmode=maybe", "localhost/db?unknown=1"] {
        let refused = refusal(options(&format!("postgres://ada:hunter2@{end}")));
        assert!(refused.starts_with("the PostgreSQL URL is not valid: "), "{refused}");
        assert!(!refused.contains("hunter2"));
    }
    let none = PostgresOptions { pool_size: 0, ..options(&server_url()) };
    assert_eq!(refusal(none), "the PostgreSQL pool needs at least 1 connection");
    for (change, name) in [
        (
            |options: &mut PostgresOptions| options.connect_timeout = Duration::ZERO,
            "connect timeout",
        ),
        (|options: &mut PostgresOptions| options.wait_timeout = Duration::ZERO, "wait timeout"),
        // PostgreSQL would take what is less than a millisecond for no limit.
        (
            |options: &mut PostgresOptions| options.statement_timeout = Duration::from_micros(999),
            "statement timeout",
        ),
    ] as [(fn(&mut PostgresOptions), &str); 3]
    {
        let mut none = options(&server_url());
        change(&mut none);
        assert_eq!(refusal(none), format!("the PostgreSQL {name} must be at least 1 ms"));
    }
}

/// The server tells the rows of a statement before it commits them: a full or broken disk is noticed
/// after that.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_fails_at_its_commit_is_not_acknowledged() {
    const REFUSAL: &str = "
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'refused at the commit'; END $$;
        CREATE CONSTRAINT TRIGGER refusal AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION refuse()";
    let database = TestDatabase::migrated().await;
    database.connect().await.batch_execute(REFUSAL).await.unwrap();
    let store = store_on(&options(&database.url()), database);
    store.outbox.set_hand_over(true);
    let mut ada = user("ada@example.com");
    let events = events_of(&mut ada);
    let claimed = store.users.claim(&ada, &events).await;
    assert!(matches!(claimed, Err(ClaimError::Repository(_))), "{claimed:?}");
    assert!(store.users.find(ada.id()).await.unwrap().is_none());
    assert!(store.outbox.recorded(1).now_or_never().is_none(), "nothing is handed over");
}
