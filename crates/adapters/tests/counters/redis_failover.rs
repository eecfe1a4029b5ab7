//! A Redis server that becomes a replica of another: it still answers, but takes no writes any
//! more.

use std::time::Duration;

use adapters::redis::RedisCodeStore;
use domain::CodeIssue;
use domain::ports::{CodeStore, MailState};
use redis::aio::MultiplexedConnection;
use test_support::{Proxy, eventually_within, free_port};

use crate::redis_server::{Server, until_available, url};
use crate::{RECOVERY_TIMEOUT, connect_to, prefix, user_id, window};

async fn administer(server: &Server) -> MultiplexedConnection {
    redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

/// Makes `server` a replica of the one on `master`.
async fn demote(server: &Server, master: u16) {
    let mut redis = administer(server).await;
    redis::cmd("REPLICAOF").arg("127.0.0.1").arg(master).exec_async(&mut redis).await.unwrap();
}

/// How many connections a server has been asked for since it was started.
async fn connections(server: &Server) -> usize {
    let stats: String =
        redis::cmd("INFO").arg("stats").query_async(&mut administer(server).await).await.unwrap();
    let count = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
    count.unwrap().parse().unwrap()
}

async fn is_writable(store: &RedisCodeStore) -> bool {
    let code = CodeIssue { user_id: user_id(), number: 1 };
    store.open(code, window(Duration::from_mins(1), 5), MailState::Unsent).await.is_ok()
}

/// As with a name that leads to whichever server is the primary one: only a new connection gets
/// there.
#[tokio::test]
async fn a_connection_to_a_server_that_became_a_replica_is_replaced() {
    let [old, new] = [Server::start(free_port()), Server::start(free_port())];
    for server in [&old, &new] {
        until_available(&RedisCodeStore::new(connect_to(&server.url()), &prefix())).await;
    }
    let proxy = Proxy::start(old.address()).await;
    let store = RedisCodeStore::new(connect_to(&url(proxy.port())), &prefix());
    assert!(is_writable(&store).await);

    demote(&old, new.port).await;
    let before = connections(&old).await;
    for _ in 0..200 {
        assert!(!is_writable(&store).await, "a replica took a write");
    }
    let attempts = connections(&old).await - before;
    assert!(attempts < 50, "{attempts} connections for 200 operations");

    proxy.redirect(new.address());
    eventually_within(RECOVERY_TIMEOUT, "the store to find the new primary", async || {
        is_writable(&store).await.then_some(())
    })
    .await;
}
