//! What is played: each scenario has a name, and a file in `scenarios`.

use std::fmt;

use test_servers::ServerError;

use crate::scenarios::{
    four_apis_limits, four_of_each, pgbouncer, postgres_failover, rabbitmq_quorum, redis_cluster,
    redis_sentinel, valkey,
};
use crate::stage::Stage;
use crate::verdict::Verdict;

/// Servers, services under load, and what becomes of the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    FourApisLimits,
    FourOfEach,
    PgBouncer,
    PostgresFailover,
    RedisCluster,
    RedisSentinel,
    Valkey,
    /// The last one: it leaves the broker of the stage in a cluster whose other nodes are gone.
    RabbitmqQuorum,
}

impl Scenario {
    /// All of them, in the order in which they are played.
    pub(crate) const ALL: [Self; 8] = [
        Self::FourApisLimits,
        Self::FourOfEach,
        Self::PgBouncer,
        Self::PostgresFailover,
        Self::RedisCluster,
        Self::RedisSentinel,
        Self::Valkey,
        Self::RabbitmqQuorum,
    ];

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FourApisLimits => "four-apis-limits",
            Self::FourOfEach => "four-of-each",
            Self::PgBouncer => "pgbouncer",
            Self::PostgresFailover => "postgres-failover",
            Self::RedisCluster => "redis-cluster",
            Self::RedisSentinel => "redis-sentinel",
            Self::Valkey => "valkey",
            Self::RabbitmqQuorum => "rabbitmq-quorum",
        }
    }

    /// What happens, in a sentence.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::FourApisLimits => "a limit of N over four APIs admits exactly N",
            Self::FourOfEach => "four APIs and four workers, and one of each is killed",
            Self::PgBouncer => "all services reach PostgreSQL through a pooler in transaction mode",
            Self::PostgresFailover => "the primary is killed and its synchronous standby promoted",
            Self::RedisCluster => {
                "slots of a Redis Cluster move, a replica takes over, and a primary is killed"
            }
            Self::RedisSentinel => {
                "Sentinel replaces the primary on request, and when it is killed"
            }
            Self::Valkey => "Valkey in the place of Redis; it is restarted",
            Self::RabbitmqQuorum => "of three nodes one is killed, then another; then both return",
        }
    }

    /// Plays it. An error is one of the servers; what the services do is in the verdict.
    pub(crate) async fn play(self, stage: &Stage) -> Result<Verdict, ServerError> {
        match self {
            Self::FourApisLimits => four_apis_limits::play(stage).await,
            Self::FourOfEach => four_of_each::play(stage).await,
            Self::PgBouncer => pgbouncer::play(stage).await,
            Self::PostgresFailover => postgres_failover::play(stage).await,
            Self::RedisCluster => redis_cluster::play(stage).await,
            Self::RedisSentinel => redis_sentinel::play(stage).await,
            Self::Valkey => valkey::play(stage).await,
            Self::RabbitmqQuorum => rabbitmq_quorum::play(stage).await,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
