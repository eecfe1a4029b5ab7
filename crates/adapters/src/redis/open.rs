//! Opens one connection, which is all that it does: who keeps it has to watch it.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, RedisError};

use super::options::RedisOptions;

/// Connects and authenticates.
pub(super) async fn open(
    server: &ConnectionInfo,
    options: &RedisOptions,
) -> Result<MultiplexedConnection, RedisError> {
    // Operations have a timeout of their own, so the connection sets none.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(options.connect_timeout))
        .set_response_timeout(None);
    let client = Client::open(server.clone())?;
    client.get_multiplexed_async_connection_with_config(&config).await
}
