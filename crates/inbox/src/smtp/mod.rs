//! Receives mails over SMTP, many connections at a time, on the caller's runtime. Has no TLS: it is
//! meant for the loopback interface.

mod session;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use crate::mailbox::Mailbox;
use session::{GREETING, IDLE_TOO_LONG, Next, SHUTTING_DOWN, Session, TOO_MANY_CONNECTIONS};

const MAX_CONNECTIONS: usize = 256;
/// RFC 5321 section 4.5.3.2.7 asks for at least five minutes. Clients' connection pools rely on it.
const IDLE_TIMEOUT: Duration = Duration::from_mins(5);
/// How long mails in progress may take to complete at shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// What the server needs, again after a panic too.
pub(crate) struct Receiver {
    pub(crate) listener: TcpListener,
    pub(crate) mailbox: Arc<Mailbox>,
    /// The largest mail, in bytes.
    pub(crate) max_size: usize,
    pub(crate) stop: watch::Receiver<bool>,
}

/// Accepts connections until `stop` changes, then finishes receiving mails in progress.
pub(crate) async fn receive(receiver: Arc<Receiver>) {
    let mut stop = receiver.stop.clone();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = receiver.listener.accept() => accepted,
            Some(ended) = connections.join_next() => {
                report(ended);
                continue;
            }
            () = stopped(&mut stop) => break,
        };
        match accepted {
            Ok((stream, _)) if connections.len() >= MAX_CONNECTIONS => {
                connections.spawn(async move { drop(turn_away(stream).await) });
            }
            Ok((stream, client)) => {
                tracing::debug!(event = "inbox.smtp_connected", %client, "an SMTP client has connected");
                let session = Session::new(receiver.mailbox.clone(), receiver.max_size);
                let stop = stop.clone();
                connections.spawn(async move {
                    if let Err(error) = converse(stream, session, stop).await {
                        tracing::debug!(event = "inbox.smtp_lost", %error, "an SMTP connection was lost");
                    }
                });
            }
            Err(error) => {
                // Most likely out of file descriptors: accepting again at once would only spin.
                tracing::warn!(event = "inbox.smtp_refused", %error, "an SMTP connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    let all_done = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(DRAIN_TIMEOUT, all_done).await;
}

/// Waits until the inbox stops or is dropped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A conversation that panics ends alone, but is not passed over.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(event = "inbox.smtp_failed", %error, "an SMTP connection was cut off");
    }
}

async fn converse(
    mut stream: TcpStream,
    mut session: Session,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(GREETING.as_bytes()).await?;
    let mut buffer = vec![0; 4096];
    let mut replies = Vec::new();
    loop {
        let read = tokio::select! {
            read = timeout(IDLE_TIMEOUT, stream.read(&mut buffer)) => read,
            () = stopped(&mut stop), if !session.is_receiving() => {
                return stream.write_all(SHUTTING_DOWN.as_bytes()).await;
            }
        };
        let Ok(length) = read else { return stream.write_all(IDLE_TOO_LONG.as_bytes()).await };
        let length = length?;
        if length == 0 {
            return Ok(());
        }
        let next = session.receive(&buffer[..length], &mut replies);
        // A client that sends without reading must not hold the connection for ever.
        timeout(IDLE_TIMEOUT, stream.write_all(&replies)).await??;
        replies.clear();
        if next == Next::Close {
            return stream.shutdown().await;
        }
    }
}

async fn turn_away(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(TOO_MANY_CONNECTIONS.as_bytes()).await?;
    stream.shutdown().await
}
