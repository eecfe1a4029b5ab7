//! One multiplexed connection that a background task maintains.
//!
//! The redis crate's `ConnectionManager` is not used: it makes every command wait while it
//! reconnects, and it keeps a connection that no longer answers. Here a command fails at once while
//! the server is known to be unreachable, and a connection is replaced if it does not answer a ping
//! in time or its server has become a replica: a new connection may reach the new primary. Must
//! never send a command twice: only the ping may be repeated.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, FromRedisValue, Pipeline, RedisError, ScriptInvocation};
use secrecy::ExposeSecret;
use spans::{Kind, Span};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::error::ConnectionError;
use super::options::{RedisOptions, RedisOptionsError};
use super::supervisor::{Link, Session, is_read_only, supervise};

/// A connection that reconnects by itself. Cheap to clone; closed when the last clone is dropped.
#[derive(Clone)]
pub struct Connection(Arc<Shared>);

struct Shared {
    link: watch::Receiver<Link>,
    /// Tells the supervisor to check the connection now.
    suspicion: Arc<Notify>,
    command_timeout: Duration,
    supervisor: JoinHandle<()>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

/// Returns at once and connects in the background, so that a service can start without Redis. Must
/// be called within a tokio runtime.
pub fn connect(options: RedisOptions) -> Result<Connection, RedisOptionsError> {
    let client = Client::open(options.url.expose_secret()).map_err(|_| RedisOptionsError)?;
    let (sender, link) = watch::channel(Link::Connecting);
    let suspicion = Arc::new(Notify::new());
    let command_timeout = options.command_timeout;
    let suspected = suspicion.clone();
    let supervisor = supervisor::supervise("redis", move || {
        supervise(client.clone(), options.clone(), sender.clone(), suspected.clone())
    });
    Ok(Connection(Arc::new(Shared { link, suspicion, command_timeout, supervisor })))
}

impl Connection {
    /// Runs a script.
    pub(super) async fn invoke<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, ConnectionError> {
        let work = self.bounded(async |mut redis| script.invoke_async(&mut redis).await);
        span("EVALSHA").run(work).await
    }

    /// Runs a command.
    pub(super) async fn query<T: FromRedisValue>(
        &self,
        command: &Cmd,
    ) -> Result<T, ConnectionError> {
        let work = self.bounded(async |mut redis| command.query_async(&mut redis).await);
        span(name(command)).run(work).await
    }

    /// Runs commands in their order, one after the other but in one round trip.
    pub(super) async fn query_all<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
    ) -> Result<T, ConnectionError> {
        let work = self.bounded(async |mut redis| commands.query_async(&mut redis).await);
        span("PIPELINE").run(work).await
    }

    async fn bounded<T>(
        &self,
        operation: impl AsyncFnOnce(MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, ConnectionError> {
        let limit = self.0.command_timeout;
        let result = timeout(limit, async {
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
        .unwrap_or(Err(ConnectionError::TimedOut(limit)));
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

/// The span of a command. Its arguments, keys among them, are left out.
fn span(operation: &'static str) -> Span {
    Span::part(operation, Kind::Client)
        .with("db.system.name", "redis")
        .with("db.operation.name", operation)
}

/// The name of a command, of those that are used.
fn name(command: &Cmd) -> &'static str {
    match command.args_iter().next() {
        Some(redis::Arg::Simple(b"SET")) => "SET",
        Some(redis::Arg::Simple(b"EXISTS")) => "EXISTS",
        Some(redis::Arg::Simple(b"LPOP")) => "LPOP",
        _ => "command",
    }
}
