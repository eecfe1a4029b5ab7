//! The contracts of the stores that count: code windows, guess budgets, rate limits. Each case is
//! written once and runs on every implementation; what only Redis can do wrong has cases of its
//! own.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

use std::time::Duration;

use adapters::redis::{Connection, RedisOptions, connect};
use domain::ports::{Attempt, CodeStore, MailState, NewWindow, Opening};
use domain::{CodeIssue, Derivation, UserId};
use test_support::{soon_within, unique_id, unique_name};

/// Makes a test of each case for each implementation. In process the time is paused and passes at
/// once while a test sleeps; Redis has its own clock, on which short times really pass. What `redis`
/// makes of a connection is tried on one server, on a cluster, and on a primary under Sentinel.
macro_rules! contract {
    (
        cases: $cases:tt,
        parallel_cases: $parallel_cases:tt,
        in_process: $in_process:expr,
        redis: |$redis:ident| $store:expr $(,)?
    ) => {
        contract!(@module in_process, start_paused = true, $cases, $parallel_cases, $in_process);
        contract!(@redis redis, "TEST_REDIS_URL", $cases, $parallel_cases, |$redis| $store);
        contract!(@redis redis_cluster, "TEST_REDIS_CLUSTER_URL", $cases, $parallel_cases, |$redis| $store);
        contract!(@redis redis_sentinel, "TEST_REDIS_SENTINEL_URL", $cases, $parallel_cases, |$redis| $store);
    };
    (@redis $name:ident, $url:literal, $cases:tt, $parallel_cases:tt, |$redis:ident| $store:expr) => {
        contract!(@module $name, start_paused = false, $cases, $parallel_cases, {
            let $redis = crate::connect_to(&crate::url_in($url));
            $store
        });
    };
    (
        @module $name:ident,
        start_paused = $paused:literal,
        [$($case:ident),* $(,)?],
        [$($parallel_case:ident),* $(,)?],
        $store:expr
    ) => {
        mod $name {
            $(
                #[tokio::test(start_paused = $paused)]
                async fn $case() { crate::bounded(super::$case($store)).await; }
            )*
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $parallel_case() { crate::bounded(super::$parallel_case($store)).await; }
            )*
        }
    };
}

mod budget;
mod capacity;
mod code_store;
mod rate_limiter;
mod redis_cluster;
mod redis_diagnosis;
mod redis_failover;
mod redis_faults;
mod redis_keys;
mod redis_load;
mod redis_memory;
mod redis_sentinel;
mod redis_server;
mod redis_supervision;
mod redis_tls;
mod redis_writes;

/// How long a case may take.
const CASE_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a store may take to use a server that is back.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(20);

/// Ends a case that waits for what never comes.
async fn bounded(case: impl Future<Output = ()>) {
    soon_within(CASE_TIMEOUT, "the end of the case", case).await;
}

/// A connection to the Redis server of the test run.
fn redis_connection() -> Connection {
    connect_to(&redis_url())
}

fn redis_url() -> String {
    url_in("TEST_REDIS_URL")
}

/// The URL of a server of the test run.
fn url_in(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run `cargo xtask test`"))
}

fn connect_to(url: &str) -> Connection {
    connect(RedisOptions {
        url: url.into(),
        connect_timeout: Duration::from_secs(5),
        command_timeout: Duration::from_secs(5),
    })
    .unwrap()
}

/// A key prefix that no other test has.
fn prefix() -> String {
    format!("test-{}", unique_name())
}

/// How the codes of these tests are derived.
fn derivation() -> Derivation {
    "5f3a9c01/4".parse().unwrap()
}

fn window(length: Duration, attempts: u32) -> NewWindow {
    NewWindow { length, attempts, derivation: derivation() }
}

/// Opens the window of a code whose mail is to be sent.
async fn open(store: &dyn CodeStore, code: CodeIssue, length: Duration, attempts: u32) -> Opening {
    store.open(code, window(length, attempts), MailState::Unsent).await.unwrap()
}

/// Opens the window of a code whose mail was accepted.
async fn mark_accepted(
    store: &dyn CodeStore,
    code: CodeIssue,
    length: Duration,
    attempts: u32,
) -> Opening {
    store.open(code, window(length, attempts), MailState::Accepted).await.unwrap()
}

fn opened() -> Opening {
    Opening::Opened { derivation: derivation() }
}

fn spent(left: u32) -> Attempt {
    Attempt::Spent { left, derivation: Some(derivation()) }
}

fn user_id() -> UserId {
    UserId::from_uuid(unique_id())
}
