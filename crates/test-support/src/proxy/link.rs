//! One connection through the proxy, at the pace that the test wants.

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;

use super::passed::Passed;

/// How fast bytes pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    AtOnce,
    After(Duration),
    ByteAfter(Duration),
    Never,
}

/// Runs a connection until nothing passes any more, and from then on keeps it open.
pub(super) async fn until_stalled(
    mut pace: watch::Receiver<Pace>,
    connection: impl Future<Output = ()>,
) {
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
pub(super) struct Link {
    pub(super) pace: watch::Receiver<Pace>,
    pub(super) record: Arc<Mutex<Option<Passed>>>,
}

impl Link {
    /// An error is a connection that one side broke; the other side notices, because both are
    /// closed.
    pub(super) async fn forward<S>(
        self,
        client: impl Future<Output = io::Result<S>>,
        upstream: String,
    ) where
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
