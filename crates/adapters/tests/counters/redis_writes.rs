//! A Redis server that answers but takes no writes: it counts as away.

use adapters::redis::RedisCodeStore;
use domain::ErrorChain;
use domain::ports::CodeStore;
use redis::aio::MultiplexedConnection;
use test_support::{eventually_within, free_port};

use crate::redis_server::{Server, until_available};
use crate::{RECOVERY_TIMEOUT, connect_to, prefix};

/// A server, a store on it that works, and a way to change it.
async fn start(arguments: &[String]) -> (Server, RedisCodeStore, MultiplexedConnection) {
    let server = Server::start_with(free_port(), arguments);
    let store = RedisCodeStore::new(connect_to(&server.url()), &prefix());
    until_available(&store).await;
    let client = redis::Client::open(server.url()).unwrap();
    let administrator = client.get_multiplexed_async_connection().await.unwrap();
    (server, store, administrator)
}

async fn tell(redis: &mut MultiplexedConnection, command: &[&str]) {
    redis::cmd(command[0]).arg(&command[1..]).exec_async(redis).await.unwrap();
}

/// Waits until the store says that the server refuses writes, and why.
async fn assert_refused(store: &RedisCodeStore, cause: &str) {
    let refusal = store.ping().await.expect_err("a server without writes answers");
    assert!(ErrorChain(&refusal).to_string().contains(cause), "{refusal:?}");
}

#[tokio::test]
async fn a_full_server_does_not_answer() {
    let (_server, store, mut redis) = start(&[]).await;
    tell(&mut redis, &["CONFIG", "SET", "maxmemory", "1"]).await;
    tell(&mut redis, &["PING"]).await;
    assert_refused(&store, "OOM").await;
    tell(&mut redis, &["CONFIG", "SET", "maxmemory", "0"]).await;
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_replica_does_not_answer() {
    let (_server, store, mut redis) = start(&[]).await;
    tell(&mut redis, &["REPLICAOF", "127.0.0.1", &free_port().to_string()]).await;
    assert_refused(&store, "read only replica").await;
    tell(&mut redis, &["REPLICAOF", "NO", "ONE"]).await;
    until_available(&store).await;
}

#[tokio::test]
async fn a_server_that_cannot_save_does_not_answer() {
    let directory = tempfile::tempdir().unwrap();
    let in_there = ["--dir".to_owned(), directory.path().display().to_string()];
    let (_server, store, mut redis) = start(&in_there).await;
    // A directory cannot be replaced by the file of a snapshot.
    std::fs::create_dir_all(directory.path().join("dump.rdb/in_the_way")).unwrap();
    tell(&mut redis, &["CONFIG", "SET", "save", "3600 1"]).await;
    tell(&mut redis, &["BGSAVE"]).await;
    eventually_within(RECOVERY_TIMEOUT, "the snapshot to fail", async || {
        let error = store.ping().await.err()?;
        ErrorChain(&error).to_string().contains("MISCONF").then_some(())
    })
    .await;
    tell(&mut redis, &["CONFIG", "SET", "save", ""]).await;
    store.ping().await.unwrap();
}
