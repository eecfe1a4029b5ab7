//! Asks the Sentinels which server is the primary, as their protocol says clients should: one after
//! the other until one answers, and the server that it names has to say so itself.

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, Value};
use tokio::time::timeout;

use super::address::Address;
use super::open::open;
use super::options::RedisOptions;
use super::url::Sentinels;

/// Connects to the primary.
pub(super) async fn open_primary(
    sentinels: &Sentinels,
    options: &RedisOptions,
) -> Result<MultiplexedConnection, RedisError> {
    let mut failure = RedisError::from((ErrorKind::EmptySentinelList, "no Sentinel is named"));
    let mut tried = Vec::new();
    for sentinel in &sentinels.addresses {
        let named = match open(sentinel, options).await {
            Ok(mut redis) => find_primary(&mut redis, sentinels, options).await,
            Err(error) => Err(error),
        };
        match named {
            Ok(primary) if tried.contains(&primary) => {}
            Ok(primary) => match open_confirmed(&primary, sentinels, options).await {
                Ok(redis) => {
                    tracing::info!(event = "redis.primary_found", server = %primary, "Sentinel names a primary of Redis");
                    return Ok(redis);
                }
                Err(error) => {
                    failure = error;
                    tried.push(primary);
                }
            },
            // Why the primary does not answer matters more than why a Sentinel does not.
            Err(error) if tried.is_empty() => failure = error,
            Err(_) => {}
        }
    }
    Err(failure)
}

/// What a Sentinel says where the primary is.
pub(super) async fn find_primary(
    sentinel: &mut MultiplexedConnection,
    sentinels: &Sentinels,
    options: &RedisOptions,
) -> Result<Address, RedisError> {
    let mut question = redis::cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(&sentinels.service);
    let answer: Option<(String, u16)> = ask(sentinel, &question, options).await?;
    let (host, port) = answer.ok_or((
        ErrorKind::MasterNameNotFoundBySentinel,
        "the Sentinel does not know the service that the URL names",
    ))?;
    Ok(Address { host, port })
}

/// Connects to a server that says itself that it is a primary.
async fn open_confirmed(
    primary: &Address,
    sentinels: &Sentinels,
    options: &RedisOptions,
) -> Result<MultiplexedConnection, RedisError> {
    let mut redis = open(&primary.like(&sentinels.primary), options).await?;
    let role: Vec<Value> = ask(&mut redis, &redis::cmd("ROLE"), options).await?;
    match role.into_iter().next().map(String::from_redis_value) {
        Some(Ok(role)) if role == "master" => Ok(redis),
        _ => Err((
            ErrorKind::Client,
            "the server that Sentinel names as the primary is a replica",
            primary.to_string(),
        )
            .into()),
    }
}

/// The answer, if it comes in the time that a connection may take.
async fn ask<T: FromRedisValue>(
    redis: &mut MultiplexedConnection,
    question: &Cmd,
    options: &RedisOptions,
) -> Result<T, RedisError> {
    timeout(options.connect_timeout, question.query_async(redis))
        .await
        .unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
}
