//! What a node of a cluster knows of the whole.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{ErrorKind, FromRedisValue, Pipeline, RedisError, Value};

use super::slot_map::SlotMap;

/// What one node knows.
pub(crate) struct View {
    /// Grows with every fail-over. Of two nodes, the one with the lower epoch was out of touch.
    pub(crate) epoch: u64,
    pub(crate) map: SlotMap,
}

/// Asks the node at `own_host`.
pub(crate) async fn view_of(
    mut redis: MultiplexedConnection,
    own_host: &str,
) -> Result<View, RedisError> {
    let mut questions = Pipeline::with_capacity(2);
    questions.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("SLOTS");
    let answers = redis.req_packed_commands(&questions, 0, 2).await?;
    let mut answers = answers.into_iter().map(Value::extract_error);
    let mut next = || answers.next().unwrap_or(Ok(Value::Nil));
    let (info, slots) = (String::from_redis_value(next()?)?, next()?);
    let map = SlotMap::read(slots, own_host)?;
    if map.primaries().is_empty() {
        return Err((ErrorKind::ClusterConnectionNotFound, "the node knows of no other").into());
    }
    let epochs = info.lines().find_map(|line| line.strip_prefix("cluster_current_epoch:"));
    let epoch = epochs.and_then(|epoch| epoch.trim().parse().ok()).unwrap_or_default();
    Ok(View { epoch, map })
}
