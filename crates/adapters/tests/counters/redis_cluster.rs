//! A Redis Cluster while its slots move, its nodes die and replicas take over.

use std::time::Duration;

use adapters::redis::{Connection, RedisBudget, RedisCodeStore, RedisRateLimiter};
use domain::ports::{
    Allowance, Budget, BudgetKey, BudgetKind, CodeStore, LimitKey, LimitOutcome, MailKey, Quota,
    RateLimiter,
};
use domain::{CodeIssue, ErrorChain, EventId, UserId};
use test_servers::{Interrupt, Redis, RedisCluster};
use test_support::{Proxy, eventually_within, unique_id};
use tokio::time::Instant;

use crate::redis_load::{Load, Outcome};
use crate::redis_server::until_available;
use crate::{RECOVERY_TIMEOUT, connect_to, open, opened, prefix, spent, url_in, user_id, window};

const MINUTE: Duration = Duration::from_mins(1);
const SHARDS: usize = 3;
/// Nobody counts as dead because the machine is busy.
const PATIENT: Duration = Duration::from_secs(15);

/// A cluster of the test's own, in a folder that is kept as long.
fn start(with_replicas: bool, node_timeout: Duration) -> (RedisCluster, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (program, never) = (Redis::installed().unwrap(), Interrupt::never());
    let cluster =
        RedisCluster::start(&program, folder.path(), SHARDS, with_replicas, node_timeout, &never);
    (cluster.unwrap(), folder)
}

/// A prefix that gives all keys one slot, and that slot.
fn prefix_of_one_slot() -> (String, u16) {
    ("{foo}".to_owned() + &prefix(), 12_182)
}

#[tokio::test]
async fn every_operation_keeps_to_one_slot_of_a_cluster() {
    use_everything(&url_in("TEST_REDIS_CLUSTER_URL"), &prefix()).await;
}

/// Those that docs/operations.md names.
#[tokio::test]
async fn the_documented_commands_are_all_that_is_used() {
    const COMMANDS: &str = "+ping +set +exists +lpop +evalsha +script|load +get +del +time \
        +pexpire +hget +hmget +hset +hincrby +lindex +lpush +ltrim \
        +cluster|slots +cluster|info +asking";
    let (url, prefix) = (url_in("TEST_REDIS_CLUSTER_URL"), prefix());
    let hosts = url.strip_prefix("redis+cluster://").unwrap();
    for host in hosts.split(',') {
        let client = redis::Client::open(format!("redis://{host}/")).unwrap();
        let mut node = client.get_multiplexed_async_connection().await.unwrap();
        let mut set_user = redis::cmd("ACL");
        set_user.arg("SETUSER").arg(&prefix).arg("on").arg(">secret").arg(format!("~{prefix}:*"));
        set_user.arg(COMMANDS.split_whitespace().collect::<Vec<_>>());
        set_user.exec_async(&mut node).await.unwrap();
        let _: String = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut node).await.unwrap();
    }
    use_everything(&format!("redis+cluster://{prefix}:secret@{hosts}"), &prefix).await;
}

/// Uses every operation so often that each node has some of it.
async fn use_everything(url: &str, prefix: &str) {
    let connection = connect_to(url);
    let codes = RedisCodeStore::new(connection.clone(), prefix);
    let budget = RedisBudget::new(connection.clone(), prefix);
    let limiter = RedisRateLimiter::new(connection, prefix);
    for number in 0..20 {
        let issue = CodeIssue { user_id: user_id(), number: 1 };
        let (sender, notice) = (unique_id(), EventId::from_uuid(unique_id()));
        codes.lease_and_open(issue, window(MINUTE, 5), sender, MINUTE).await.unwrap();
        codes.release_sending(MailKey::Code(issue), sender).await.unwrap();
        assert_eq!(open(&codes, issue, MINUTE, 5).await, opened());
        assert_eq!(codes.spend_attempt(issue).await.unwrap(), spent(4));
        codes.consume(issue).await.unwrap();
        codes.release(issue).await.unwrap();
        codes.mark_notice_accepted(notice).await.unwrap();
        assert!(codes.is_notice_accepted(notice).await.unwrap());
        let key = BudgetKey { kind: BudgetKind::Mails, subject: number.to_string() };
        budget.spend(&key, &[Allowance { amount: 1, period: MINUTE }]).await.unwrap();
        budget.give_back(&key).await.unwrap();
        let quota = Quota { burst: 1, period: MINUTE };
        let client = LimitKey::new("register-client", &number.to_string());
        let outcome = limiter.check(&client, quota).await.unwrap();
        assert!(matches!(outcome, LimitOutcome::Allowed { .. }));
        limiter.give_back(&client, quota).await.unwrap();
    }
    codes.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_moves_to_another_node_under_load() {
    let (cluster, _folder) = start(false, PATIENT);
    let connection = connect_to(&cluster.url());
    let (prefix, slot) = prefix_of_one_slot();
    let from = cluster.first_owner(slot, SHARDS);
    let load = Load::start(&connection, &prefix);
    load.answers(50).await;
    cluster.begin_move(slot, from, 0).unwrap();
    load.answers(50).await;
    cluster.move_keys(slot, from, 0).unwrap();
    load.answers(50).await;
    cluster.end_move(slot, from, 0).unwrap();
    load.answers(50).await;
    let outcome = load.stop().await;
    assert!(outcome.answered >= 200, "{outcome:?}");
    assert_eq!((outcome.refused.len(), outcome.lost, outcome.repeated), (0, 0, 0), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_shard_has_fails_at_once_and_the_rest_goes_on() {
    let (mut cluster, _folder) = start(false, PATIENT);
    let codes = RedisCodeStore::new(connect_to(&cluster.url()), &prefix());
    until_available(&codes).await;
    let users: Vec<_> = (0..60).map(|_| user_id()).collect();
    assert_eq!(failures(&codes, &users).await, 0);

    cluster.nodes[1].server.kill();
    eventually_within(RECOVERY_TIMEOUT, "the death to be known", async || {
        let error = ErrorChain(&codes.ping().await.err()?).to_string();
        error.contains("no connection to Redis").then_some(())
    })
    .await;
    let begin = Instant::now();
    let failed = failures(&codes, &users).await;
    assert!((1..60).contains(&failed), "{failed} of 60 failed");
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());

    cluster.nodes[1].server.start_again().unwrap();
    until_available(&codes).await;
    assert_eq!(failures(&codes, &users).await, 0);
}

/// How many of these users' windows cannot be opened.
async fn failures(codes: &RedisCodeStore, users: &[UserId]) -> usize {
    let mut failures = 0;
    for user_id in users {
        let issue = CodeIssue { user_id: *user_id, number: 1 };
        failures += usize::from(codes.spend_attempt(issue).await.is_err());
    }
    failures
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_take_over_under_load() {
    let (mut cluster, _folder) = start(true, Duration::from_secs(2));
    let connection = connect_to(&cluster.url());
    let (prefix, slot) = prefix_of_one_slot();
    let primary = cluster.first_owner(slot, SHARDS);
    let replica = primary + SHARDS;
    let load = Load::start(&connection, &prefix);
    load.answers(50).await;
    // They change places, in which nothing is lost.
    cluster.fail_over_to(replica).unwrap();
    load.answers(50).await;
    let orderly = load.stop().await;
    let failed = (orderly.refused.len(), orderly.lost, orderly.repeated);
    assert_eq!(failed, (0, 0, 0), "{orderly:?}");

    let load = Load::start(&connection, &prefix);
    load.answers(50).await;
    cluster.nodes[replica].server.kill();
    cluster.wait_for_primary(primary).unwrap();
    load.answers(50).await;
    let outcome = load.stop().await;
    assert_eq!(outcome.repeated, 0, "{outcome:?}");
    assert!(outcome.refused.iter().any(|error| error.contains("no connection")), "{outcome:?}");
}

/// What was under way when a connection broke may have been carried out, and is not sent again.
#[tokio::test(flavor = "multi_thread")]
async fn no_command_is_sent_twice_while_connections_break() {
    let (cluster, _folder) = start(false, PATIENT);
    let mut proxies = Vec::new();
    for node in &cluster.nodes {
        let proxy = Proxy::start(format!("127.0.0.1:{}", node.server.port())).await;
        node.configure("cluster-announce-port", &proxy.port().to_string()).unwrap();
        proxies.push(proxy);
    }
    let connection = connect_to(&format!("redis+cluster://{}", proxies[0].address()));
    let prefix = prefix();
    until_available(&RedisCodeStore::new(connection.clone(), &prefix)).await;
    // Now and then no answer is under way when a connection breaks.
    for _ in 0..10 {
        let outcome = while_connections_break(&connection, &prefix, &proxies).await;
        assert_eq!((outcome.lost, outcome.repeated), (0, 0), "{outcome:?}");
        if outcome.unanswered > 0 {
            return;
        }
    }
    panic!("no answer was missing");
}

async fn while_connections_break(
    connection: &Connection,
    prefix: &str,
    proxies: &[Proxy],
) -> Outcome {
    let load = Load::start(connection, prefix);
    for round in 0..15 {
        let proxy = &proxies[round % proxies.len()];
        // Answers are late: so some are missing when the connection breaks.
        proxy.delay(Duration::from_millis(10));
        load.answers(50).await;
        proxy.cut().await;
        proxy.restore().await;
    }
    load.answers(50).await;
    load.stop().await
}
