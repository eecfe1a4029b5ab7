//! A TCP port that can be cut off and restored, as when a server behind it dies and returns.

use std::future::Future;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::wait::PATIENCE;

/// Below the range from which Linux takes ports for outgoing connections, so that nobody is given one
/// of them between its choice and its use.
const FIRST_PORT: u16 = 10_000;
const PORT_COUNT: u16 = 12_000;

/// A port on the loopback interface that nobody listens on.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two suites at once start at different places.
    let offset = u16::try_from(std::process::id() % 120).unwrap() * 100;
    std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed))
        .take(usize::from(PORT_COUNT))
        .map(|n| FIRST_PORT + offset.wrapping_add(n) % PORT_COUNT)
        .find(|port| StdListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("a free port")
}

/// A listening port whose connections are handled until it is cut.
pub struct Port {
    number: u16,
    open: watch::Sender<bool>,
    listening: watch::Receiver<bool>,
}

impl Port {
    /// Listens on a free port and handles each connection in a task of its own.
    pub async fn serve<H, F>(handle: H) -> Self
    where
        H: Fn(TcpStream) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let number = free_port();
        let (open, is_open) = watch::channel(true);
        let (is_listening, listening) = watch::channel(false);
        tokio::spawn(listen(number, is_open, is_listening, Arc::new(handle)));
        let port = Self { number, open, listening };
        port.settled(true).await;
        port
    }

    /// Where it listens.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Breaks every connection and refuses new ones.
    pub async fn cut(&self) {
        self.open.send_replace(false);
        self.settled(false).await;
    }

    /// Takes connections again.
    pub async fn restore(&self) {
        self.open.send_replace(true);
        self.settled(true).await;
    }

    async fn settled(&self, is_listening: bool) {
        let mut listening = self.listening.clone();
        let settled = timeout(PATIENCE, listening.wait_for(|now| *now == is_listening)).await;
        settled.expect("the port can be bound").expect("the port's task runs");
    }
}

async fn listen<H, F>(
    port: u16,
    mut open: watch::Receiver<bool>,
    listening: watch::Sender<bool>,
    handle: Arc<H>,
) where
    H: Fn(TcpStream) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    while open.wait_for(|open| *open).await.is_ok() {
        let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await else {
            // The connections of the last time are still closing.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        listening.send_replace(true);
        let connections = open.clone();
        loop {
            tokio::select! {
                cut = open.wait_for(|open| !open) => match cut {
                    Ok(_) => break,
                    // Nobody is left to restore it.
                    Err(_) => return,
                },
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    tokio::spawn(until_cut(connections.clone(), handle(stream)));
                }
            }
        }
        drop(listener);
        listening.send_replace(false);
    }
}

async fn until_cut(mut open: watch::Receiver<bool>, connection: impl Future<Output = ()>) {
    tokio::select! {
        _ = open.wait_for(|open| !open) => {}
        () = connection => {}
    }
}
