//! What becomes of the servers, a file per scenario.

pub(crate) mod pgbouncer;
pub(crate) mod redis_cluster;
pub(crate) mod redis_sentinel;
pub(crate) mod valkey;
