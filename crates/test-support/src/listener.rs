//! A listening port that a test can cut off and bring back.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::port::free_port;
use crate::wait::soon;

/// A port of the loopback interface whose connections are handled until it is cut. It ends, with
/// its connections, when it is dropped.
pub struct Listener {
    address: SocketAddr,
    wanted: watch::Sender<Wanted>,
    is_listening: watch::Receiver<bool>,
    accepted: watch::Receiver<usize>,
}

/// What a test wants of the port.
#[derive(Clone, Copy)]
struct Wanted {
    is_open: bool,
    /// How often it was cut: a connection ends with the first cut after it was accepted.
    cuts: usize,
}

impl Listener {
    /// Listens on a free port and handles each connection in a task of its own.
    pub async fn serve<H, F>(handle: H) -> Self
    where
        H: Fn(TcpStream) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let (wanted, is_wanted) = watch::channel(Wanted { is_open: true, cuts: 0 });
        let (told_listening, is_listening) = watch::channel(false);
        let (told_accepted, accepted) = watch::channel(0);
        let told = Told { is_listening: told_listening, accepted: told_accepted };
        tokio::spawn(listen(address, is_wanted, told, Arc::new(handle)));
        let listener = Self { address, wanted, is_listening, accepted };
        listener.settle(true).await;
        listener
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port on which it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Breaks every connection and refuses new ones.
    pub async fn cut(&self) {
        self.wanted.send_modify(|wanted| {
            wanted.is_open = false;
            wanted.cuts += 1;
        });
        self.settle(false).await;
    }

    /// Refuses new connections; those that are open stay so.
    pub async fn refuse(&self) {
        self.wanted.send_modify(|wanted| wanted.is_open = false);
        self.settle(false).await;
    }

    /// Accepts connections again.
    pub async fn restore(&self) {
        self.wanted.send_modify(|wanted| wanted.is_open = true);
        self.settle(true).await;
    }

    /// How many connections have been accepted.
    pub fn accepted(&self) -> usize {
        *self.accepted.borrow()
    }

    /// Waits until so many connections have been accepted.
    pub async fn wait_for_accepted(&self, count: usize) {
        let mut accepted = self.accepted.clone();
        let reached = accepted.wait_for(|accepted| *accepted >= count);
        soon("connections", reached).await.expect("the listener's task runs");
    }

    async fn settle(&self, is_listening: bool) {
        let mut current = self.is_listening.clone();
        let settled = current.wait_for(|current| *current == is_listening);
        soon("the listener to open or close", settled).await.expect("the listener's task runs");
    }
}

/// What the listener's task tells about itself.
struct Told {
    is_listening: watch::Sender<bool>,
    accepted: watch::Sender<usize>,
}

async fn listen<H, F>(
    address: SocketAddr,
    mut wanted: watch::Receiver<Wanted>,
    told: Told,
    handle: Arc<H>,
) where
    H: Fn(TcpStream) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    while let Ok(cuts) = wanted.wait_for(|wanted| wanted.is_open).await.map(|wanted| wanted.cuts) {
        let listener = soon("the reserved port to be bound", bind(address)).await;
        told.is_listening.send_replace(true);
        let connections = wanted.clone();
        loop {
            tokio::select! {
                closed = wanted.wait_for(|wanted| !wanted.is_open) => match closed {
                    Ok(_) => break,
                    // The listener was dropped.
                    Err(_) => return,
                },
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    told.accepted.send_modify(|count| *count += 1);
                    tokio::spawn(until_cut(connections.clone(), cuts, handle(stream)));
                }
            }
        }
        drop(listener);
        told.is_listening.send_replace(false);
    }
}

/// Tries until it can be bound: a process that is being started at this moment holds a copy of the
/// listener that was closed last, until it executes its program.
async fn bind(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

async fn until_cut(
    mut wanted: watch::Receiver<Wanted>,
    cuts: usize,
    connection: impl Future<Output = ()>,
) {
    tokio::select! {
        _ = wanted.wait_for(|wanted| wanted.cuts != cuts) => {}
        () = connection => {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};

    use super::*;

    async fn echo(mut stream: TcpStream) {
        let (mut read, mut write) = stream.split();
        let _ = copy(&mut read, &mut write).await;
    }

    async fn is_echoed(client: &mut TcpStream) -> bool {
        let mut answer = [0];
        client.write_all(b"a").await.is_ok() && client.read_exact(&mut answer).await.is_ok()
    }

    #[tokio::test]
    async fn a_cut_breaks_connections_and_refuses_new_ones_until_it_is_restored() {
        let listener = Listener::serve(echo).await;
        for round in 1..=3 {
            let mut client = TcpStream::connect(listener.address()).await.unwrap();
            assert!(is_echoed(&mut client).await);
            listener.cut().await;
            assert!(!is_echoed(&mut client).await);
            assert!(TcpStream::connect(listener.address()).await.is_err());
            listener.restore().await;
            assert_eq!(listener.accepted(), round);
        }
    }

    #[tokio::test]
    async fn a_refusing_listener_keeps_its_connections_until_it_is_cut() {
        let listener = Listener::serve(echo).await;
        let mut client = TcpStream::connect(listener.address()).await.unwrap();
        assert!(is_echoed(&mut client).await);
        listener.refuse().await;
        assert!(TcpStream::connect(listener.address()).await.is_err());
        assert!(is_echoed(&mut client).await);
        listener.cut().await;
        assert!(!is_echoed(&mut client).await);
    }

    #[tokio::test]
    async fn a_dropped_listener_ends_its_connections() {
        let listener = Listener::serve(echo).await;
        let mut client = TcpStream::connect(listener.address()).await.unwrap();
        listener.wait_for_accepted(1).await;
        drop(listener);
        assert!(!is_echoed(&mut client).await);
    }
}
