//! A node of a Redis Cluster, which refuses scripts that touch keys of several slots.

use std::time::Duration;

use adapters::redis::{RedisCodeStore, RedisGuessBudget, RedisRateLimiter};
use domain::ports::{
    Attempt, CodeStore, Consumption, Guess, GuessAllowance, GuessBudget, LimitKey, LimitOutcome, Opening,
    Quota, RateLimiter,
};
use domain::{CodeIssue, EmailAddress};
use redis::aio::MultiplexedConnection;
use test_support::{eventually, free_port};

use crate::redis_server::Server;
use crate::{bounded, connect_to, prefix, user_id};

const MINUTE: Duration = Duration::from_mins(1);

/// A cluster of one node, which has all the slots.
async fn cluster(folder: &tempfile::TempDir) -> Server {
    let nodes = folder.path().join("nodes.conf").display().to_string();
    let bus = free_port().to_string();
    let arguments =
        ["--cluster-enabled", "yes", "--cluster-port", bus.as_str(), "--cluster-config-file", nodes.as_str()];
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
        assert_eq!(codes.open(issue, MINUTE, 5).await.unwrap(), Opening::Opened);
        assert_eq!(codes.spend_attempt(issue).await.unwrap(), Attempt::Spent { left: 4 });
        assert_eq!(codes.consume(issue).await.unwrap(), Consumption::Won);
        codes.release(issue).await.unwrap();

        let guesses = RedisGuessBudget::new(connection.clone(), &prefix);
        let ada = EmailAddress::parse("ada@example.com").unwrap();
        let allowance = GuessAllowance { guesses: 1, period: MINUTE };
        assert_eq!(guesses.spend_guess(&ada, allowance).await.unwrap(), Guess::Allowed);
        assert!(matches!(guesses.spend_guess(&ada, allowance).await.unwrap(), Guess::Refused { .. }));

        let limiter = RedisRateLimiter::new(connection, &prefix);
        let quota = Quota { burst: 1, period: MINUTE };
        let outcome = limiter.check(&LimitKey::new("register-client", "203.0.113.7"), quota).await.unwrap();
        assert!(matches!(outcome, LimitOutcome::Allowed { .. }));
    })
    .await;
}
