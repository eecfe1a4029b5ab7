//! Connects, watches the connection and connects again.

use std::sync::Arc;
use std::time::Duration;

use domain::ErrorChain;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{ErrorKind, RedisError, ServerErrorKind};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::timeout;

use super::destination::Destination;
use super::error::ConnectionError;
use super::options::RedisOptions;

/// The delay before the second attempt to connect; it doubles from attempt to attempt.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// The longest delay between two attempts to connect.
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// How often a connection is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(1);

/// The state of the connection.
pub(super) enum Link {
    /// The first attempt is under way, or a lost connection is being replaced: operations wait.
    Connecting,
    Up(Session),
    Down(RedisError),
}

/// An open connection.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) redis: MultiplexedConnection,
    /// Takes the first refusal to write. Belongs to this connection only: a later one starts
    /// afresh.
    pub(super) demotion: mpsc::Sender<RedisError>,
}

/// Why a connection is given up.
enum Loss {
    Broken,
    /// The server no longer accepts writes: it has become a replica.
    Demoted(RedisError),
}

/// Connects, watches the connection and connects again, until it is aborted.
pub(super) async fn supervise(
    destination: Destination,
    options: RedisOptions,
    link: watch::Sender<Link>,
    suspicion: Arc<Notify>,
) {
    let mut delay = FIRST_DELAY;
    let mut reported = false;
    loop {
        let error = match destination.open(&options).await {
            Ok(connection) => {
                tracing::info!(event = "redis.connected", server = %destination, "connected to Redis");
                reported = true;
                let server = destination.to_string();
                let limit = options.command_timeout;
                match use_until_lost(connection, &server, &link, &suspicion, limit).await {
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
                    tracing::warn!(event = "redis.unreachable", server = %destination, error = %ErrorChain(&error), "cannot connect to Redis");
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

/// Offers a connection to all operations until it is lost.
async fn use_until_lost(
    mut connection: MultiplexedConnection,
    server: &str,
    link: &watch::Sender<Link>,
    suspicion: &Notify,
    limit: Duration,
) -> Loss {
    let (demotion, mut demoted) = mpsc::channel(1);
    link.send_replace(Link::Up(Session { redis: connection.clone(), demotion }));
    tokio::select! {
        error = wait_until_broken(&mut connection, suspicion, limit) => {
            tracing::warn!(event = "redis.connection_lost", server, error = %ErrorChain(&error), "lost the connection to Redis");
            Loss::Broken
        }
        Some(error) = demoted.recv() => {
            let error_chain = ErrorChain(&error);
            tracing::warn!(event = "redis.became_replica", server, error = %error_chain, "the Redis server has become a replica");
            Loss::Demoted(error)
        }
    }
}

/// Returns when a ping fails or is not answered in time.
async fn wait_until_broken(
    connection: &mut MultiplexedConnection,
    suspicion: &Notify,
    limit: Duration,
) -> ConnectionError {
    loop {
        // Woken by a suspicion or by the timer, whichever comes first.
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

/// Whether the server is a replica. Before Redis 7, a script's error mentions it only in its text.
pub(super) fn is_read_only(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
        || error.detail().is_some_and(|text| text.contains("-READONLY"))
}

#[cfg(test)]
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
