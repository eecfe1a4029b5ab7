//! PostgreSQL that cannot write, and Redis that forgets or refuses.

use std::net::{Ipv4Addr, SocketAddr};

use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use test_servers::ServerError;
use test_support::free_port;

use super::effect::Effect;
use crate::schedule::Part;
use crate::system::System;

/// Writes more than fits into what a full disk has left in the files that exist.
const WRITE: &str =
    "CREATE TABLE probe AS SELECT repeat(i::text, 1000) FROM generate_series(1, 2000) i";

impl System {
    pub(super) async fn fill_disk(&self) -> Effect {
        self.servers().postgres.with(|postgres| refused(postgres.fill_disk(), postgres)).await
    }

    pub(super) async fn free_disk(&self) {
        let freed = self.servers().postgres.with(|postgres| postgres.free_disk()).await;
        freed.unwrap_or_else(|error| panic!("{error}"));
    }

    pub(super) async fn make_disk_read_only(&self) -> Effect {
        let postgres = &self.servers().postgres;
        postgres.with(|postgres| refused(postgres.make_disk_read_only(), postgres)).await
    }

    pub(super) async fn repair_disk(&self) {
        let repaired = self.servers().postgres.with(test_servers::Postgres::repair_disk).await;
        repaired.unwrap_or_else(|error| panic!("{error}"));
    }

    pub(super) async fn make_transactions_read_only(&self) -> Effect {
        let postgres = &self.servers().postgres;
        postgres.with(|postgres| refused(postgres.set_read_only(true), postgres)).await
    }

    pub(super) async fn allow_writing_transactions(&self) {
        let allowed = self.servers().postgres.with(|postgres| postgres.set_read_only(false)).await;
        allowed.unwrap_or_else(|error| panic!("{error}"));
    }

    pub(super) async fn empty_redis(&self) -> Effect {
        let mut client = self.redis_client().await.map_err(|error| error.to_string())?;
        let mark = self.write_to_redis(&mut client).await;
        mark.map_err(|error| error.to_string())?;
        let emptied = self.servers().redis.with(|redis| redis.empty()).await;
        emptied.map_err(|error| error.to_string())?;
        let mut exists = redis::cmd("EXISTS");
        match exists.arg("probe").query_async::<u8>(&mut client).await {
            Ok(0) => Ok("a key was there, and then not".to_owned()),
            other => Err(format!("{other:?}")),
        }
    }

    pub(super) async fn fill_redis(&self) -> Effect {
        let filled = self.servers().redis.with(|redis| redis.take_memory()).await;
        self.expect_refusal(filled, "OOM").await
    }

    pub(super) async fn give_memory_back(&self) {
        let given = self.servers().redis.with(|redis| redis.give_memory_back()).await;
        given.unwrap_or_else(|error| panic!("{error}"));
    }

    pub(super) async fn make_replica(&self) -> Effect {
        let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let made = self.servers().redis.with(move |redis| redis.become_replica_of(nobody)).await;
        self.expect_refusal(made, "READONLY").await
    }

    pub(super) async fn make_primary(&self) {
        let made = self.servers().redis.with(|redis| redis.become_primary()).await;
        made.unwrap_or_else(|error| panic!("{error}"));
    }

    async fn expect_refusal(&self, made: Result<(), ServerError>, code: &str) -> Effect {
        made.map_err(|error| error.to_string())?;
        let mut client = self.redis_client().await.map_err(|error| error.to_string())?;
        match self.write_to_redis(&mut client).await {
            Err(error) if error.code() == Some(code) => Ok(format!("a write was refused: {error}")),
            other => Err(format!("a write: {other:?}")),
        }
    }

    async fn redis_client(&self) -> RedisResult<MultiplexedConnection> {
        let url = self.servers().url(Part::Redis).as_str();
        redis::Client::open(url)?.get_multiplexed_async_connection().await
    }

    async fn write_to_redis(&self, client: &mut MultiplexedConnection) -> RedisResult<()> {
        redis::cmd("SET").arg("probe").arg("1").arg("EX").arg("10").query_async(client).await
    }
}

/// Whether PostgreSQL refuses to write after a change that should make it do so.
fn refused(changed: Result<(), ServerError>, postgres: &test_servers::Postgres) -> Effect {
    changed.map_err(|error| error.to_string())?;
    match postgres.sql(&[WRITE, "DROP TABLE probe"]) {
        Err(error) => Ok(format!("a write was refused: {error}")),
        Ok(_) => Err("a write was accepted".to_owned()),
    }
}
