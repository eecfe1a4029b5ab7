//! A Redis server that is not there, goes away, forgets its scripts or falls silent.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use adapters::redis::{ConnectOptions, Connection, RedisCodeStore, connect};
use domain::CodeIssue;
use domain::ports::{Attempt, CodeStore, Opening};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use crate::{connect_to, prefix, user_id};

const MINUTE: Duration = Duration::from_mins(1);
/// How long an operation may take, with some leave for a busy machine.
const PATIENCE: Duration = Duration::from_millis(300);
const LEAVE: Duration = Duration::from_secs(10);

/// A server of the test's own, killed with it. Keeps nothing on disk.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(port: u16) -> Self {
        Self::start_with(port, &[])
    }

    /// Starts one with further arguments.
    pub(crate) fn start_with(port: u16, arguments: &[String]) -> Self {
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(arguments)
            .current_dir(std::env::temp_dir())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is not on the PATH: run `cargo xtask test`");
        Self { process, port }
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

pub(crate) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/")
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn impatient(url: &str) -> Connection {
    let options = ConnectOptions { url: url.into(), connect_timeout: PATIENCE, command_timeout: PATIENCE };
    connect(options).unwrap()
}

/// Fails if the store answers, or takes long to say that it does not.
async fn assert_unavailable(store: &RedisCodeStore) {
    let asked = Instant::now();
    store.ping().await.expect_err("the server should be away");
    assert!(asked.elapsed() < PATIENCE + LEAVE, "it took {:?} to give up", asked.elapsed());
}

pub(crate) async fn until_available(store: &RedisCodeStore) {
    let available = async {
        while store.ping().await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), available).await.expect("the store should have recovered");
}

/// Opens a window; a slow machine may need another attempt.
async fn assert_usable(store: &RedisCodeStore) {
    let code = CodeIssue { user_id: user_id(), number: 1 };
    let opened = async {
        loop {
            match store.open(code, MINUTE, 5).await {
                Ok(opening) => return opening,
                Err(_) => sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let opening = timeout(Duration::from_secs(20), opened).await.expect("the store should have recovered");
    assert_eq!(opening, Opening::Opened);
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
    let options = ConnectOptions {
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
    store.open(code, MINUTE, 5).await.unwrap();
    store.spend_attempt(code).await.unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut redis).await.unwrap();
    assert_eq!(store.spend_attempt(code).await.unwrap(), Attempt::Spent { left: 3 });
}

#[tokio::test]
async fn asvs_13_1_3_a_server_that_never_answers_is_given_up() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let store = RedisCodeStore::new(impatient(&url(silent.local_addr().unwrap().port())), &prefix());
    for _ in 0..3 {
        assert_unavailable(&store).await;
    }
}

/// As when a firewall forgets a connection: what is sent on it vanishes, and nothing breaks it.
#[tokio::test]
async fn a_connection_that_has_fallen_silent_is_replaced() {
    let server = Server::start(free_port());
    let silence = Arc::new(Notify::new());
    let store = RedisCodeStore::new(
        impatient(&url(proxy(Arc::new(server.port.into()), silence.clone()).await)),
        &prefix(),
    );
    assert_usable(&store).await;
    silence.notify_waiters();
    assert_unavailable(&store).await;
    assert_usable(&store).await;
}

/// Passes each new connection on to the port `to`. At each `silence` those that are open stay open and carry nothing more.
pub(crate) async fn proxy(to: Arc<AtomicU16>, silence: Arc<Notify>) -> u16 {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let (silence, to) = (silence.clone(), to.load(Ordering::Relaxed));
            tokio::spawn(async move {
                let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await else { return };
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut server) => {}
                    () = silence.notified() => std::future::pending().await,
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn asvs_13_3_1_a_wrong_url_is_refused_without_showing_it() {
    for url in ["", "http://user:geheim@localhost/", "redis://user:geheim@", "redis://:geheim@host:port/"] {
        let options = ConnectOptions { url: url.into(), connect_timeout: MINUTE, command_timeout: MINUTE };
        let refusal = connect(options).err().expect("the URL should be refused");
        assert!(!format!("{refusal} {refusal:?}").contains("geheim"));
    }
}
