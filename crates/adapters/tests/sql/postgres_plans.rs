//! Every query of a request, the relay and the purge uses its index when there are many rows.

use std::collections::BTreeMap;
use std::time::Duration;

use adapters::postgres::PostgresOptions;
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::ports::{DeadLetterAction, PurgeAges};
use domain::{EventId, PasswordHash, UserEvent};
use test_support::{eventually, unique_id, unique_name};

use crate::dead_letters::{act, listed};
use crate::fixtures::{LONG_PERIOD, Store, event, events_of, user};
use crate::postgres::{TestDatabase, options, store_on};

/// Accounts and lapsed registrations, and events that are not due, among them some that were set
/// aside.
const MANY_ROWS: &str = "
    INSERT INTO users (id, email, email_key, password_hash, code_number, code_expires_at, activated_at, code_requested_at)
    SELECT gen_random_uuid(), n || '@example.com', n || '@example.com', '$hash', 1, now() - interval '1 day',
           CASE WHEN n % 2 = 0 THEN now() END, now() - n * interval '1 second'
    FROM generate_series(1, 100000) AS n;
    INSERT INTO outbox (id, type, user_id, code_number, traceparent, due_at, failed_at, failure)
    SELECT gen_random_uuid(), 'user.registered', gen_random_uuid(), 1, 't', now() + interval '1 day',
           CASE WHEN n % 1000 = 0 THEN now() END, CASE WHEN n % 1000 = 0 THEN 'refused' END
    FROM generate_series(1, 100000) AS n;
    INSERT INTO suppressions (email_key) SELECT n || '@example.com' FROM generate_series(1, 10000) AS n;
    ANALYZE users, outbox, suppressions";

/// The index for the purge.
const UNVERIFIED: &str = "users_unverified";

/// Runs of an operation: after five the server keeps one plan for all parameters.
const RUNS: i64 = 8;

#[derive(QueryableByName)]
struct Scans {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    scans: i64,
}

/// How often each index was searched, and each table read from end to end.
const SCANS: &str = "
    SELECT indexrelname::text AS name, idx_scan AS scans FROM pg_stat_user_indexes
    UNION ALL SELECT 'all of ' || relname, seq_scan FROM pg_stat_user_tables WHERE relname IN ('users', 'outbox')";

#[derive(QueryableByName)]
struct Others {
    #[diesel(sql_type = BigInt)]
    sessions: i64,
}

const OTHERS: &str = "
    SELECT count(*) AS sessions FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";

struct Plans {
    observer: AsyncPgConnection,
    database: TestDatabase,
}

impl Plans {
    /// In a database where these statements were executed.
    async fn after(statements: &[&str]) -> Self {
        let database = TestDatabase::migrated().await;
        let mut session = database.connect().await;
        for statement in statements {
            session.batch_execute(statement).await.unwrap();
        }
        drop(session);
        let mut plans = Self { observer: database.connect().await, database };
        plans.others_have_ended().await;
        plans
    }

    /// Waits until every other session has ended, which is when it has reported all that it did.
    async fn others_have_ended(&mut self) {
        eventually("the end of the other sessions", async || {
            let others = sql_query(OTHERS).get_result::<Others>(&mut self.observer).await.unwrap();
            (others.sessions == 0).then_some(())
        })
        .await;
    }

    async fn scans(&mut self) -> BTreeMap<String, i64> {
        let scans: Vec<Scans> = sql_query(SCANS).load(&mut self.observer).await.unwrap();
        scans.into_iter().map(|Scans { name, scans }| (name, scans)).collect()
    }

    /// Fails unless each run of the operation searches `index` and none reads a whole table, or
    /// the index of all unverified users, of which there may be many more than PostgreSQL knows.
    async fn check(&mut self, index: &str, operation: impl AsyncFn(&Store)) {
        let before = self.scans().await;
        let one_session = PostgresOptions { pool_size: 1, ..options(&self.database.url()) };
        let store = store_on(&one_session, ());
        for _ in 0..RUNS {
            operation(&store).await;
        }
        drop(store);
        self.others_have_ended().await;
        let after = eventually(&format!("{RUNS} searches of {index}"), async || {
            let scans = self.scans().await;
            (scans[index] >= before[index] + RUNS).then_some(scans)
        })
        .await;
        for read in ["all of users", "all of outbox", UNVERIFIED] {
            let is_meant = read == index;
            assert!(is_meant || after[read] == before[read], "{read} was read, not {index}");
        }
    }
}

fn address() -> String {
    format!("{}@example.com", unique_name())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_hot_path_uses_its_index() {
    let mut plans = Plans::after(&[MANY_ROWS]).await;
    users(&mut plans).await;
    accounts(&mut plans).await;
    outbox(&mut plans).await;
}

/// As when registrations come after months without any: an index of next to nothing seems cheap to
/// read as a whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_searched_by_its_identifier_where_statistics_know_no_unverified_ones() {
    let all_active = "UPDATE users SET activated_at = now()";
    let mut plans = Plans::after(&[MANY_ROWS, all_active, "VACUUM users", "ANALYZE users"]).await;
    changes_of_a_user(&mut plans).await;
}

async fn users(plans: &mut Plans) {
    plans
        .check("users_email_key", async |store| {
            let mut ada = user(&address());
            let events = events_of(&mut ada);
            store.users.claim(&ada, &events).await.unwrap();
        })
        .await;
    plans
        .check("users_email_key", async |store| {
            assert!(
                store.users.find_by_email(user("7@example.com").email()).await.unwrap().is_some()
            );
        })
        .await;
    plans
        .check("users_pkey", async |store| drop(store.users.find(user("a@example.com").id()).await))
        .await;
    changes_of_a_user(plans).await;
    plans
        .check(UNVERIFIED, async |store| {
            let day = Duration::from_hours(24);
            let ages = PurgeAges { mailed: day, unmailed: day };
            assert_eq!(store.users.purge_unverified(ages, 10).await.unwrap().total(), 10);
        })
        .await;
    plans.check("outbox_pkey", async |store| store.users.ping().await.unwrap()).await;
}

async fn changes_of_a_user(plans: &mut Plans) {
    plans
        .check("users_pkey", async |store| {
            let mut ada = store.registered(&address()).await;
            store.users.hold_address(ada.issue(), LONG_PERIOD).await.unwrap();
            store.users.release_address(ada.issue()).await.unwrap();
            let new_hash = PasswordHash::from_phc("$new".into());
            store
                .users
                .upgrade_password_hash(ada.id(), ada.password_hash(), &new_hash)
                .await
                .unwrap();
            let seen = ada.issue();
            ada.request_code().unwrap();
            store.users.save(&ada, seen, &[]).await.unwrap();
            let seen = ada.issue();
            ada.activate().unwrap();
            store.users.save(&ada, seen, &[]).await.unwrap();
            let notice = event(UserEvent::RegistrationRepeated { user_id: ada.id() });
            store.users.record_repeated_registration(ada.id(), LONG_PERIOD, &notice).await.unwrap();
        })
        .await;
}

async fn accounts(plans: &mut Plans) {
    plans
        .check("users_email_key", async |store| {
            let found = store.accounts.find_by_email(user("7@example.com").email()).await;
            assert!(found.unwrap().is_some());
        })
        .await;
    plans
        .check("users_pkey", async |store| {
            let page = store.accounts.page(None, 10).await.unwrap();
            let next = store.accounts.page(Some(page[9].user_id), 10).await.unwrap();
            store.accounts.find(next[0].user_id).await.unwrap().unwrap();
            store.accounts.record(next[0].user_id).await.unwrap().unwrap();
            store.accounts.renew_guesses(next[0].user_id).await.unwrap();
            let deleted = event(UserEvent::UserDeleted { user_id: next[0].user_id });
            assert!(store.accounts.delete(next[0].user_id, &deleted).await.unwrap());
        })
        .await;
    plans
        .check("suppressions_pkey", async |store| {
            drop(store.suppressions.find(user(&address()).email()).await.unwrap());
        })
        .await;
}

async fn outbox(plans: &mut Plans) {
    plans
        .check("outbox_due", async |store| {
            drop(store.outbox.claim(100, LONG_PERIOD).await.unwrap());
        })
        .await;
    plans
        .check("outbox_pkey", async |store| {
            let id = EventId::from_uuid(unique_id());
            store.outbox.defer(id, LONG_PERIOD).await.unwrap();
            store.outbox.bury(id, "refused").await.unwrap();
            store.outbox.delete(&[id, EventId::from_uuid(unique_id())]).await.unwrap();
        })
        .await;
    plans
        .check("outbox_failed", async |store| {
            assert!(!listed(&*store.dead_letters).await.is_empty());
        })
        .await;
    plans
        .check("outbox_failed", async |store| {
            drop(act(&*store.dead_letters, DeadLetterAction::Replay).await);
        })
        .await;
}
