//! The loop that keeps the connection is started again when it panics.

use adapters::redis::RedisCodeStore;
use domain::ports::CodeStore;
use test_support::{PanickingLog, Proxy, eventually, free_port};

use crate::redis_server::{Server, until_available};
use crate::{connect_to, prefix, redis_connection};

#[tokio::test]
async fn a_supervisor_that_panics_when_it_connects_is_started_again() {
    let log = PanickingLog::at("redis.connected");
    let store = RedisCodeStore::new(redis_connection(), &prefix());
    until_available(&store).await;
    assert_eq!(log.panics(), 1);
}

#[tokio::test]
async fn a_supervisor_that_panics_when_it_loses_its_connection_is_started_again() {
    let server = Server::start(free_port());
    let proxy = Proxy::start(server.address()).await;
    let url = format!("redis://127.0.0.1:{}/", proxy.port());
    let store = RedisCodeStore::new(connect_to(&url), &prefix());
    until_available(&store).await;
    let log = PanickingLog::at("redis.connection_lost");
    proxy.cut().await;
    eventually("the panic", async || (log.panics() == 1).then_some(())).await;
    store.ping().await.expect_err("there is no connection");
    proxy.restore().await;
    until_available(&store).await;
}
