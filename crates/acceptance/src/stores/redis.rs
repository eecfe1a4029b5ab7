//! Redis's keys and values.

use redis::aio::MultiplexedConnection;

use crate::system::System;

/// Every key of a distributed system in Redis with its value, whatever its type.
pub async fn redis_entries(system: &System) -> Vec<String> {
    let client = redis::Client::open(system.setting("redis.url")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let pattern = format!("{}*", system.setting("redis.key_prefix"));
    let (mut cursor, mut entries) = (0_u64, Vec::new());
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1000);
        let (next, keys): (u64, Vec<Vec<u8>>) = scan.query_async(&mut connection).await.unwrap();
        for key in keys {
            entries.push(redis_entry(&mut connection, &key).await);
        }
        cursor = next;
        if cursor == 0 {
            return entries;
        }
    }
}

async fn redis_entry(connection: &mut MultiplexedConnection, key: &[u8]) -> String {
    let kind: String = redis::cmd("TYPE").arg(key).query_async(connection).await.unwrap();
    let mut read = match kind.as_str() {
        // It has just expired.
        "none" => return String::new(),
        "string" => redis::cmd("GET"),
        "hash" => redis::cmd("HGETALL"),
        "list" => redis::cmd("LRANGE"),
        "set" => redis::cmd("SMEMBERS"),
        "zset" => redis::cmd("ZRANGE"),
        other => panic!("a {other} in Redis, which this test cannot search yet"),
    };
    read.arg(key);
    if matches!(kind.as_str(), "list" | "zset") {
        read.arg(0).arg(-1);
    }
    let values: Vec<Vec<u8>> = match kind.as_str() {
        "string" => vec![read.query_async(connection).await.unwrap_or_default()],
        _ => read.query_async(connection).await.unwrap_or_default(),
    };
    let values: Vec<_> = values.iter().map(|value| String::from_utf8_lossy(value)).collect();
    format!("{} {kind} {}", String::from_utf8_lossy(key), values.join(" "))
}
