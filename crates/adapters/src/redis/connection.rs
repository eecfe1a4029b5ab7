//! One multiplexed connection that is kept alive by a task of its own.
//!
//! The redis crate's `ConnectionManager` is not used: it makes every command wait while it reconnects, and
//! it keeps a connection on which answers have ceased to come. Here a command fails at once while the server
//! is known to be away, and a connection is replaced that does not answer a ping in time, or whose server
//! has become a replica: a new one may lead to the server that took its place.
//! Must never send a command twice: none but the ping may be repeated.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, ScriptInvocation,
    ServerErrorKind,
};
use secrecy::ExposeSecret;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::options::{RedisOptions, RedisOptionsError};

/// The delay before the second attempt to connect; it doubles from attempt to attempt.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// The longest delay between two attempts to connect.
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// How often a connection is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(1);

/// Why an operation got no answer. Whether it was carried out is then unknown.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The last attempt to connect failed; the next one is under way.
    #[error("there is no connection to Redis")]
    NotConnected(#[source] RedisError),
    /// The answer did not come in time.
    #[error("Redis did not answer within {0:?}")]
    TimedOut(Duration),
    /// The connection broke, or Redis refused the command.
    #[error("Redis did not carry out the command")]
    Failed(#[source] RedisError),
    /// The program is ending.
    #[error("the connection to Redis is closed")]
    Closed,
}

/// A connection that mends itself. Cheap to clone; closed when the last clone is dropped.
#[derive(Clone)]
pub struct Connection(Arc<Shared>);

struct Shared {
    link: watch::Receiver<Link>,
    /// Tells the supervisor to look at the connection now.
    suspicion: Arc<Notify>,
    command_timeout: Duration,
    supervisor: JoinHandle<()>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

enum Link {
    /// An attempt is under way whose result is worth waiting for.
    Connecting,
    Up(Session),
    Down(RedisError),
}

/// An open connection.
#[derive(Clone)]
struct Session {
    redis: MultiplexedConnection,
    /// Takes the first refusal to write. Belongs to this one connection: a later one is not to blame.
    demotion: mpsc::Sender<RedisError>,
}

/// Why a connection is given up.
enum Loss {
    Broken,
    /// The server takes no writes any more: it has become a replica.
    Demoted(RedisError),
}

/// Returns at once and connects in the background, so that a service starts without Redis. Needs the
/// context of a tokio runtime.
pub fn connect(options: RedisOptions) -> Result<Connection, RedisOptionsError> {
    let client = Client::open(options.url.expose_secret()).map_err(|_| RedisOptionsError)?;
    let (sender, link) = watch::channel(Link::Connecting);
    let suspicion = Arc::new(Notify::new());
    let command_timeout = options.command_timeout;
    let supervisor = tokio::spawn(supervise(client, options, sender, suspicion.clone()));
    Ok(Connection(Arc::new(Shared { link, suspicion, command_timeout, supervisor })))
}

impl Connection {
    /// Carries out a script.
    pub(super) async fn invoke<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, ConnectionError> {
        self.bounded(async |mut connection| script.invoke_async(&mut connection).await).await
    }

    /// Carries out a command.
    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, ConnectionError> {
        self.bounded(async |mut connection| command.query_async(&mut connection).await).await
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
                // Full when another operation was refused first.
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

/// Connects, watches, connects again, for ever.
async fn supervise(client: Client, options: RedisOptions, link: watch::Sender<Link>, suspicion: Arc<Notify>) {
    let mut delay = FIRST_DELAY;
    let mut reported = false;
    loop {
        let error = match open(&client, &options).await {
            Ok(connection) => {
                tracing::info!("redis.connected");
                reported = true;
                match use_until_lost(connection, &link, &suspicion, options.command_timeout).await {
                    Loss::Demoted(error) => error,
                    Loss::Broken => {
                        link.send_replace(Link::Connecting);
                        delay = FIRST_DELAY;
                        continue;
                    }
                }
            }
            Err(error) => {
                if !reported {
                    tracing::warn!(error = &error as &dyn std::error::Error, "redis.unreachable");
                    reported = true;
                }
                error
            }
        };
        link.send_replace(Link::Down(error));
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

/// Offers a connection to all operations for as long as it is of use.
async fn use_until_lost(
    mut connection: MultiplexedConnection,
    link: &watch::Sender<Link>,
    suspicion: &Notify,
    limit: Duration,
) -> Loss {
    let (demotion, mut demoted) = mpsc::channel(1);
    link.send_replace(Link::Up(Session { redis: connection.clone(), demotion }));
    tokio::select! {
        error = until_broken(&mut connection, suspicion, limit) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "redis.connection_lost");
            Loss::Broken
        }
        Some(error) = demoted.recv() => {
            tracing::warn!(error = &error as &dyn std::error::Error, "redis.became_replica");
            Loss::Demoted(error)
        }
    }
}

async fn open(client: &Client, options: &RedisOptions) -> Result<MultiplexedConnection, RedisError> {
    // The bound on operations is ours, over the whole of one; the connection adds none.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(options.connect_timeout))
        .set_response_timeout(None);
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// Returns when a ping breaks the connection or is not answered in time.
async fn until_broken(
    connection: &mut MultiplexedConnection,
    suspicion: &Notify,
    limit: Duration,
) -> ConnectionError {
    loop {
        // Woken by a suspicion or by the time, whichever comes first.
        let _ = timeout(PING_INTERVAL, suspicion.notified()).await;
        match timeout(limit, connection.req_packed_command(&redis::cmd("PING"))).await {
            Ok(Err(error)) if error.is_io_error() || error.is_unrecoverable_error() => {
                return ConnectionError::Failed(error);
            }
            // An answer, even one such as LOADING, shows that the connection works.
            Ok(_) => {}
            Err(_) => return ConnectionError::TimedOut(limit),
        }
    }
}

/// Whether the server is a replica. Before Redis 7 a script's error has this one only in its text.
fn is_read_only(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
        || error.detail().is_some_and(|text| text.contains("-READONLY"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_known_by_its_refusal_in_every_version() {
        let refused = |line: &[u8]| {
            let answer = redis::parse_redis_value(line).unwrap();
            is_read_only(&answer.extract_error().unwrap_err())
        };
        assert!(refused(b"-READONLY You can't write against a read only replica.\r\n"));
        assert!(refused(
            b"-ERR Error running script (call to f_1): @user_script:1: -READONLY You can't write\r\n"
        ));
        assert!(!refused(b"-LOADING Redis is loading the dataset in memory\r\n"));
        assert!(!refused(b"-ERR unknown command\r\n"));
    }
}
