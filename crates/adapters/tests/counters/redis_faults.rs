//! A Redis server that is not there, goes away, forgets its scripts or falls silent.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use adapters::redis::{Connection, RedisCodeStore, RedisOptions, connect};
use domain::CodeIssue;
use domain::ports::{CodeStore, MailState};
use test_support::{Proxy, eventually_within, free_port};
use tokio::time::Instant;

use crate::redis_server::{Server, until_available, url};
use crate::{RECOVERY_TIMEOUT, connect_to, open, opened, prefix, spent, user_id, window};

const MINUTE: Duration = Duration::from_mins(1);
/// What the stores are given for an operation.
const COMMAND_TIMEOUT: Duration = Duration::from_millis(300);
/// For a machine that is busy with other things.
const GRACE: Duration = Duration::from_secs(10);

fn impatient(url: &str) -> Connection {
    let (connect_timeout, command_timeout) = (COMMAND_TIMEOUT, COMMAND_TIMEOUT);
    connect(RedisOptions { url: url.into(), connect_timeout, command_timeout }).unwrap()
}

/// Fails if the store answers, or takes long to say that it does not.
async fn assert_unavailable(store: &RedisCodeStore) {
    let asked = Instant::now();
    store.ping().await.expect_err("the server should be away");
    assert!(asked.elapsed() < COMMAND_TIMEOUT + GRACE, "it took {:?} to give up", asked.elapsed());
}

/// Opens a window; a slow machine may need another attempt.
async fn assert_usable(store: &RedisCodeStore) {
    let code = CodeIssue { user_id: user_id(), number: 1 };
    let opening = eventually_within(RECOVERY_TIMEOUT, "the store to recover", async || {
        store.open(code, window(MINUTE, 5), MailState::Unsent).await.ok()
    })
    .await;
    assert_eq!(opening, opened());
}

#[tokio::test]
async fn the_store_bears_a_server_that_comes_and_goes() {
    let port = free_port();
    let store = RedisCodeStore::new(impatient(&url(port)), &prefix());
    for _ in 0..3 {
        assert_unavailable(&store).await;
    }
    for _ in 0..2 {
        let server = Server::start(port);
        assert_usable(&store).await;
        drop(server);
        for _ in 0..3 {
            assert_unavailable(&store).await;
        }
    }
}

/// While the server is known to be away, nobody waits for a timeout.
#[tokio::test]
async fn the_store_fails_at_once_when_the_server_is_known_to_be_away() {
    let options = RedisOptions {
        url: url(free_port()).into(),
        connect_timeout: Duration::from_mins(1),
        command_timeout: Duration::from_mins(1),
    };
    let store = RedisCodeStore::new(connect(options).unwrap(), &prefix());
    let asked = Instant::now();
    for _ in 0..100 {
        store.ping().await.unwrap_err();
    }
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn scripts_that_the_server_has_forgotten_are_sent_again() {
    let server = Server::start(free_port());
    let store = RedisCodeStore::new(connect_to(&server.url()), &prefix());
    until_available(&store).await;
    let code = CodeIssue { user_id: user_id(), number: 1 };
    open(&store, code, MINUTE, 5).await;
    store.spend_attempt(code).await.unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut redis).await.unwrap();
    assert_eq!(store.spend_attempt(code).await.unwrap(), spent(3));
}

#[tokio::test]
async fn asvs_13_1_3_a_server_that_never_answers_is_given_up() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let store =
        RedisCodeStore::new(impatient(&url(silent.local_addr().unwrap().port())), &prefix());
    for _ in 0..3 {
        assert_unavailable(&store).await;
    }
}

/// As when a firewall forgets a connection: what is sent on it vanishes, and nothing breaks it.
#[tokio::test]
async fn a_connection_that_has_fallen_silent_is_replaced() {
    let server = Server::start(free_port());
    let proxy = Proxy::start(server.address()).await;
    let store = RedisCodeStore::new(impatient(&url(proxy.port())), &prefix());
    assert_usable(&store).await;
    proxy.stall();
    assert_unavailable(&store).await;
    // The connection that was stalled stays so.
    proxy.restore().await;
    assert_usable(&store).await;
}

#[tokio::test]
async fn asvs_13_3_1_a_wrong_url_is_refused_without_showing_it() {
    for url in
        ["", "http://user:geheim@localhost/", "redis://user:geheim@", "redis://:geheim@host:port/"]
    {
        let options =
            RedisOptions { url: url.into(), connect_timeout: MINUTE, command_timeout: MINUTE };
        let refusal = connect(options).err().expect("the URL should be refused");
        assert!(!format!("{refusal} {refusal:?}").contains("geheim"));
    }
}
