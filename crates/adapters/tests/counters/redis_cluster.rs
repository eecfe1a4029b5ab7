//! A node of a Redis Cluster, which refuses scripts that touch keys of several slots.

use std::time::Duration;

use adapters::redis::{RedisBudget, RedisCodeStore, RedisRateLimiter};
use domain::CodeIssue;
use domain::ports::{
    Allowance, Budget, BudgetKey, BudgetKind, CodeStore, Consumption, LimitKey, LimitOutcome,
    Quota, RateLimiter, Spending,
};
use redis::aio::MultiplexedConnection;
use test_support::{eventually, free_port};

use crate::redis_server::Server;
use crate::{bounded, connect_to, open, opened, prefix, spent, user_id};

const MINUTE: Duration = Duration::from_mins(1);

/// A cluster of one node, which has all the slots.
async fn cluster(folder: &tempfile::TempDir) -> Server {
    let nodes = folder.path().join("nodes.conf").display().to_string();
    let bus = free_port().to_string();
    let arguments = [
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        bus.as_str(),
        "--cluster-config-file",
        nodes.as_str(),
    ];
    let server = Server::start_with(free_port(), &arguments.map(str::to_owned));
    let client = redis::Client::open(server.url()).unwrap();
    let connect = async || client.get_multiplexed_async_connection().await.ok();
    let mut connection = eventually("the node to answer", connect).await;
    let mut add_slots = redis::cmd("CLUSTER");
    add_slots.arg("ADDSLOTS").arg((0..16_384).collect::<Vec<u16>>());
    add_slots.exec_async(&mut connection).await.unwrap();
    eventually("the cluster to be up", async || is_up(&mut connection).await.then_some(())).await;
    server
}

async fn is_up(connection: &mut MultiplexedConnection) -> bool {
    let info: String = redis::cmd("CLUSTER").arg("INFO").query_async(connection).await.unwrap();
    info.contains("cluster_state:ok")
}

#[tokio::test]
async fn every_operation_keeps_to_one_slot_of_a_cluster() {
    bounded(async {
        let folder = tempfile::tempdir().unwrap();
        let server = cluster(&folder).await;
        let (connection, prefix) = (connect_to(&server.url()), prefix());

        let codes = RedisCodeStore::new(connection.clone(), &prefix);
        let issue = CodeIssue { user_id: user_id(), number: 1 };
        assert_eq!(open(&codes, issue, MINUTE, 5).await, opened());
        assert_eq!(codes.spend_attempt(issue).await.unwrap(), spent(4));
        assert_eq!(codes.consume(issue).await.unwrap(), Consumption::Won);
        codes.release(issue).await.unwrap();

        let guesses = RedisBudget::new(connection.clone(), &prefix);
        let ada = BudgetKey { kind: BudgetKind::Guesses, subject: "ada@example.com".into() };
        let allowance = [Allowance { amount: 1, period: MINUTE }];
        assert_eq!(guesses.spend(&ada, &allowance).await.unwrap(), Spending::Allowed);
        assert!(matches!(guesses.spend(&ada, &allowance).await.unwrap(), Spending::Refused { .. }));

        guesses.give_back(&ada).await.unwrap();

        let limiter = RedisRateLimiter::new(connection, &prefix);
        let quota = Quota { burst: 1, period: MINUTE };
        let client = LimitKey::new("register-client", "203.0.113.7");
        let outcome = limiter.check(&client, quota).await.unwrap();
        assert!(matches!(outcome, LimitOutcome::Allowed { .. }));
        limiter.give_back(&client, quota).await.unwrap();
    })
    .await;
}
