//! The proxy between a client and a server that echoes.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::Proxy;
use crate::listener::Listener;

const PAUSE: Duration = Duration::from_millis(30);

async fn echo_server() -> Listener {
    Listener::serve(async |mut stream: TcpStream| {
        let (mut read, mut write) = stream.split();
        let _ = copy(&mut read, &mut write).await;
    })
    .await
}

async fn echo(client: &mut TcpStream, text: &str) -> io::Result<String> {
    client.write_all(text.as_bytes()).await?;
    let mut answer = vec![0; text.len()];
    client.read_exact(&mut answer).await?;
    Ok(String::from_utf8(answer).unwrap())
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

#[tokio::test]
async fn what_passes_can_be_read_and_the_end_passes_too() {
    let server = echo_server().await;
    let proxy = Proxy::start(server.address().to_string()).await;
    proxy.record();
    let mut client = connect(&proxy).await;
    assert_eq!(echo(&mut client, "hello").await.unwrap(), "hello");
    client.shutdown().await.unwrap();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(
        (proxy.passed().to_server, proxy.passed().to_client),
        (b"hello".into(), b"hello".into())
    );
    assert_eq!((proxy.accepted(), server.accepted()), (1, 1));
}

#[tokio::test]
async fn a_cut_breaks_both_sides() {
    let server = echo_server().await;
    let proxy = Proxy::start(server.address().to_string()).await;
    let mut client = connect(&proxy).await;
    echo(&mut client, "hello").await.unwrap();
    proxy.cut().await;
    assert!(echo(&mut client, "hello").await.is_err());
    assert!(TcpStream::connect(proxy.address()).await.is_err());
    proxy.restore().await;
    echo(&mut connect(&proxy).await, "hello").await.unwrap();
}

#[tokio::test]
async fn a_stalled_connection_stays_open_and_carries_nothing_even_when_others_do_again() {
    let server = echo_server().await;
    let proxy = Proxy::start(server.address().to_string()).await;
    let mut before = connect(&proxy).await;
    echo(&mut before, "hello").await.unwrap();
    proxy.stall();
    let mut meanwhile = connect(&proxy).await;
    proxy.wait_for_accepted(2).await;
    proxy.record();
    for client in [&mut before, &mut meanwhile] {
        client.write_all(b"lost").await.unwrap();
    }
    proxy.restore().await;
    let mut after = connect(&proxy).await;
    for _ in 0..20 {
        echo(&mut after, "hello").await.unwrap();
    }
    assert_eq!(proxy.passed().to_server, b"hello".repeat(20));
    for client in [&before, &meanwhile] {
        assert_eq!(
            client.try_read(&mut [0]).unwrap_err().kind(),
            io::ErrorKind::WouldBlock,
            "it is open"
        );
    }
}

#[tokio::test]
async fn delayed_bytes_take_their_time_in_both_directions() {
    let server = echo_server().await;
    let proxy = Proxy::start(server.address().to_string()).await;
    proxy.delay(PAUSE);
    let mut client = connect(&proxy).await;
    let started = Instant::now();
    echo(&mut client, "hello").await.unwrap();
    assert!(started.elapsed() >= 2 * PAUSE);
}

#[tokio::test]
async fn trickling_bytes_come_one_by_one_until_the_proxy_is_restored() {
    let server = echo_server().await;
    let proxy = Proxy::start(server.address().to_string()).await;
    proxy.record();
    proxy.trickle(PAUSE);
    let mut client = connect(&proxy).await;
    let started = Instant::now();
    echo(&mut client, "abc").await.unwrap();
    assert!(
        started.elapsed() >= 4 * PAUSE,
        "the last byte has waited for two others, and to come back"
    );
    client.write_all(&vec![b'x'; 100_000]).await.unwrap();
    proxy.restore().await;
    client.read_exact(&mut vec![0; 100_000]).await.unwrap();
}

#[tokio::test]
async fn new_connections_follow_a_redirection() {
    let (old, new) = (echo_server().await, echo_server().await);
    let proxy = Proxy::start(old.address().to_string()).await;
    let mut client = connect(&proxy).await;
    echo(&mut client, "hello").await.unwrap();
    proxy.redirect(new.address().to_string());
    echo(&mut client, "hello").await.unwrap();
    assert_eq!(new.accepted(), 0);
    echo(&mut connect(&proxy).await, "hello").await.unwrap();
    assert_eq!(new.accepted(), 1);
}
