//! One multiplexed connection that a background task maintains.
//!
//! The redis crate's `ConnectionManager` is not used: it makes every command wait while it
//! reconnects, and it keeps a connection that no longer answers. Here a command fails at once while
//! the server is known to be unreachable, and a connection is replaced if it does not answer a ping
//! in time or its server has become a replica: a new connection may reach the new primary. Must
//! never send a command twice: only the ping may be repeated.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{RedisError, Value};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

use super::command::Command;
use super::deadline::Deadline;
use super::destination::Destination;
use super::error::ConnectionError;
use super::options::RedisOptions;
use super::supervisor::{Link, Session, is_read_only, supervise};

/// A connection that reconnects by itself. Cheap to clone; closed when the last clone is dropped.
#[derive(Clone)]
pub(super) struct Node(Arc<Shared>);

struct Shared {
    link: watch::Receiver<Link>,
    /// Tells the supervisor to check the connection now.
    suspicion: Arc<Notify>,
    supervisor: JoinHandle<()>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

impl Node {
    /// Returns at once and connects in the background, so that a service can start without Redis.
    /// Must be called within a tokio runtime.
    pub(super) fn connect(destination: Destination, options: RedisOptions) -> Self {
        let (sender, link) = watch::channel(Link::Connecting);
        let suspicion = Arc::new(Notify::new());
        let suspected = suspicion.clone();
        let supervisor = supervisor::supervise("redis", move || {
            supervise(destination.clone(), options.clone(), sender.clone(), suspected.clone())
        });
        Self(Arc::new(Shared { link, suspicion, supervisor }))
    }

    /// Whether the last that is known of the server is that it answers.
    pub(super) fn is_up(&self) -> bool {
        matches!(*self.0.link.borrow(), Link::Up(_))
    }

    /// Sends a command once; `asking` as in [`Command::send`].
    pub(super) async fn send(
        &self,
        command: &Command<'_>,
        asking: bool,
        deadline: Deadline,
    ) -> Result<Value, ConnectionError> {
        self.run(deadline, async |mut redis| command.send(&mut redis, asking).await).await
    }

    /// Runs an operation on the connection.
    pub(super) async fn run<T>(
        &self,
        deadline: Deadline,
        operation: impl AsyncFnOnce(MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, ConnectionError> {
        let result = timeout_at(deadline.end, async {
            let Session { redis, demotion } = self.current().await?;
            let result = operation(redis).await;
            if let Err(error) = &result
                && is_read_only(error)
            {
                // Full if another operation was refused first.
                let _ = demotion.try_send(error.clone());
            }
            result.map_err(ConnectionError::Failed)
        })
        .await
        .unwrap_or(Err(deadline.exceeded()));
        if matches!(result, Err(ConnectionError::Failed(_) | ConnectionError::TimedOut(_))) {
            self.0.suspicion.notify_one();
        }
        result
    }

    async fn current(&self) -> Result<Session, ConnectionError> {
        let mut link = self.0.link.clone();
        let known = link.wait_for(|link| !matches!(link, Link::Connecting)).await;
        match known.as_deref() {
            Ok(Link::Up(session)) => Ok(session.clone()),
            Ok(Link::Down(error)) => Err(ConnectionError::NotConnected(error.clone())),
            Ok(Link::Connecting) | Err(_) => Err(ConnectionError::Closed),
        }
    }
}
