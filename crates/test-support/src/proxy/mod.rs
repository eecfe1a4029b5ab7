//! A TCP proxy between a client and the server it needs, which fails as a network does.

mod link;
mod passed;
#[cfg(test)]
mod tests;

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::listener::Listener;

use link::{Link, Pace, until_stalled};
pub use passed::Passed;

/// Stands in front of one server and forwards what passes, until a test wants something else.
pub struct Proxy {
    listener: Listener,
    pace: watch::Sender<Pace>,
    upstream: Arc<Mutex<String>>,
    record: Arc<Mutex<Option<Passed>>>,
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

    /// Forwards what comes over the stream that `accept` makes of each connection, such as one that
    /// is encrypted after a negotiation.
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

    /// The network is a black hole: connections stay open, new ones too, and nothing passes. Those
    /// that are open now, or are opened meanwhile, never carry anything again, as when a firewall
    /// has forgotten them.
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
