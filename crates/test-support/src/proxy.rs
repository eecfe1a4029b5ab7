//! A TCP proxy between a client and the server it needs, which fails as a network does.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use crate::listener::Listener;

/// Stands in front of one server and forwards what passes, until a test wants something else.
pub struct Proxy {
    listener: Listener,
    pace: watch::Sender<Pace>,
    upstream: Arc<Mutex<String>>,
    record: Arc<Mutex<Option<Passed>>>,
}

/// How fast bytes pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    AtOnce,
    After(Duration),
    ByteAfter(Duration),
    Never,
}

/// What has passed in both directions, over all connections.
#[derive(Clone, Default)]
pub struct Passed {
    /// The clients' bytes.
    pub to_server: Vec<u8>,
    /// The server's bytes.
    pub to_client: Vec<u8>,
}

impl Proxy {
    /// Forwards to the server at `upstream`, which is `host:port`.
    pub async fn start(upstream: impl Into<String>) -> Self {
        Self::start_with(upstream, |client| ready(Ok(client))).await
    }

    /// Forwards in plain text what it receives over TLS.
    pub async fn start_tls(upstream: impl Into<String>, acceptor: TlsAcceptor) -> Self {
        Self::start_with(upstream, move |client| acceptor.accept(client)).await
    }

    /// Forwards what comes over the stream that `accept` makes of each connection, such as one that is encrypted
    /// after a negotiation.
    pub async fn start_with<A, F, S>(upstream: impl Into<String>, accept: A) -> Self
    where
        A: Fn(TcpStream) -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let upstream = Arc::new(Mutex::new(upstream.into()));
        let record = Arc::new(Mutex::new(None));
        let (pace, current_pace) = watch::channel(Pace::AtOnce);
        let (target, recorded) = (upstream.clone(), record.clone());
        let listener = Listener::serve(move |client| {
            let upstream = target.lock().unwrap().clone();
            let link = Link { pace: current_pace.clone(), record: recorded.clone() };
            // As the server would; the tests look at what the client does.
            client.set_nodelay(true).unwrap();
            until_stalled(current_pace.clone(), link.forward(accept(client), upstream))
        })
        .await;
        Self { listener, pace, upstream, record }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The port on which it listens.
    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// Leads new connections to another server, as a name does after a failover.
    pub fn redirect(&self, upstream: impl Into<String>) {
        *self.upstream.lock().unwrap() = upstream.into();
    }

    /// The server is gone: connections break, new ones are refused.
    pub async fn cut(&self) {
        self.listener.cut().await;
    }

    /// The server accepts no new connections; those that are open go on.
    pub async fn refuse(&self) {
        self.listener.refuse().await;
    }

    /// The network is a black hole: connections stay open, new ones too, and nothing passes. Those that are open
    /// now, or are opened meanwhile, never carry anything again, as when a firewall has forgotten them.
    pub fn stall(&self) {
        self.pace.send_replace(Pace::Never);
    }

    /// Everything passes after this delay.
    pub fn delay(&self, delay: Duration) {
        self.pace.send_replace(Pace::After(delay));
    }

    /// Bytes pass one by one, with this pause before each.
    pub fn trickle(&self, pause: Duration) {
        self.pace.send_replace(Pace::ByteAfter(pause));
    }

    /// All is well again: new connections are accepted, and everything passes at once.
    pub async fn restore(&self) {
        self.pace.send_replace(Pace::AtOnce);
        self.listener.restore().await;
    }

    /// How many connections have been accepted.
    pub fn accepted(&self) -> usize {
        self.listener.accepted()
    }

    /// Waits until so many connections have been accepted.
    pub async fn wait_for_accepted(&self, count: usize) {
        self.listener.wait_for_accepted(count).await;
    }

    /// Keeps what passes from now on.
    pub fn record(&self) {
        *self.record.lock().unwrap() = Some(Passed::default());
    }

    /// What has passed since it was recorded.
    pub fn passed(&self) -> Passed {
        self.record.lock().unwrap().clone().expect("the proxy was told to record")
    }
}

/// Runs a connection until nothing passes any more, and from then on keeps it open.
async fn until_stalled(mut pace: watch::Receiver<Pace>, connection: impl Future<Output = ()>) {
    let mut connection = pin!(connection);
    let stalled = async { drop(pace.wait_for(|pace| *pace == Pace::Never).await) };
    tokio::select! {
        biased;
        () = stalled => std::future::pending().await,
        () = connection.as_mut() => {}
    }
}

/// What both directions of a connection know.
#[derive(Clone)]
struct Link {
    pace: watch::Receiver<Pace>,
    record: Arc<Mutex<Option<Passed>>>,
}

impl Link {
    /// An error is a connection that one side broke; the other side notices, because both are closed.
    async fn forward<S>(self, client: impl Future<Output = io::Result<S>>, upstream: String)
    where
        S: AsyncRead + AsyncWrite,
    {
        let Ok(client) = client.await else { return };
        let Ok(server) = TcpStream::connect(upstream).await else { return };
        server.set_nodelay(true).unwrap();
        let (client_reader, client_writer) = split(client);
        let (server_reader, server_writer) = split(server);
        let _ = tokio::try_join!(
            self.pass(client_reader, server_writer, |passed| &mut passed.to_server),
            self.pass(server_reader, client_writer, |passed| &mut passed.to_client),
        );
    }

    async fn pass(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        direction: fn(&mut Passed) -> &mut Vec<u8>,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let count = from.read(&mut buffer).await?;
            if count == 0 {
                return to.shutdown().await;
            }
            let mut rest = &buffer[..count];
            while !rest.is_empty() {
                let size = self.wait_for_turn(rest.len()).await;
                let (piece, later) = rest.split_at(size);
                to.write_all(piece).await?;
                to.flush().await?;
                if let Some(passed) = self.record.lock().unwrap().as_mut() {
                    direction(passed).extend_from_slice(piece);
                }
                rest = later;
            }
        }
    }

    /// Waits until something may pass. Returns how many of `count` bytes may.
    async fn wait_for_turn(&self, count: usize) -> usize {
        let pace = *self.pace.borrow();
        match pace {
            Pace::AtOnce => count,
            Pace::After(delay) => {
                sleep(delay).await;
                count
            }
            Pace::ByteAfter(pause) => {
                sleep(pause).await;
                1
            }
            Pace::Never => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::copy;
    use tokio::time::Instant;

    use super::*;

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
        assert_eq!((proxy.passed().to_server, proxy.passed().to_client), (b"hello".into(), b"hello".into()));
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
        assert!(started.elapsed() >= 4 * PAUSE, "the last byte has waited for two others, and to come back");
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
}
