//! What is played: each scenario has a name, and a file in `scenarios`.

use std::fmt;

use test_servers::ServerError;

use crate::scenarios::{pgbouncer, redis_cluster, redis_sentinel, valkey};
use crate::stage::Stage;
use crate::verdict::Verdict;

/// Servers, services under load, and what becomes of the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    PgBouncer,
    RedisCluster,
    RedisSentinel,
    Valkey,
}

impl Scenario {
    /// All of them, in the order in which they are played.
    pub(crate) const ALL: [Self; 4] =
        [Self::PgBouncer, Self::RedisCluster, Self::RedisSentinel, Self::Valkey];

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PgBouncer => "pgbouncer",
            Self::RedisCluster => "redis-cluster",
            Self::RedisSentinel => "redis-sentinel",
            Self::Valkey => "valkey",
        }
    }

    /// What happens, in a sentence.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::PgBouncer => {
                "all services reach PostgreSQL through PgBouncer in transaction mode"
            }
            Self::RedisCluster => {
                "slots of a Redis Cluster move, a replica takes over, and a primary is killed"
            }
            Self::RedisSentinel => {
                "Sentinel replaces the primary on request, and when it is killed"
            }
            Self::Valkey => "Valkey in the place of Redis; it is restarted",
        }
    }

    /// Plays it. An error is one of the servers; what the services do is in the verdict.
    pub(crate) async fn play(self, stage: &Stage) -> Result<Verdict, ServerError> {
        match self {
            Self::PgBouncer => pgbouncer::play(stage).await,
            Self::RedisCluster => redis_cluster::play(stage).await,
            Self::RedisSentinel => redis_sentinel::play(stage).await,
            Self::Valkey => valkey::play(stage).await,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
