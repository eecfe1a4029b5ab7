//! What becomes of the servers, a file per scenario.

pub(crate) mod four_apis_limits;
pub(crate) mod four_of_each;
pub(crate) mod pgbouncer;
pub(crate) mod postgres_failover;
pub(crate) mod rabbitmq_quorum;
pub(crate) mod redis_cluster;
pub(crate) mod redis_sentinel;
pub(crate) mod valkey;
