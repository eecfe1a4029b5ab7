//! A cluster: whether each slot has a primary and each primary a replica, and each node by itself.

use domain::Finding;
use futures::future::join_all;
use redis::ConnectionInfo;

use super::super::address::Address;
use super::super::cluster::{SlotMap, view_of};
use super::super::probe::probe_key;
use super::examination::{CONNECTION, Examination};
use super::server::Part;

const CLUSTER: &str = "redis.cluster";
const REPLICAS: &str = "redis.replicas";

pub(super) async fn examine(
    examination: &Examination<'_>,
    seeds: &[ConnectionInfo],
    key_prefix: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = None;
    for seed in seeds {
        match find(examination, seed).await {
            Ok(map) => {
                let message = format!("{} knows the cluster", seed.addr());
                findings.push(Finding::ok(CONNECTION, message));
                found.get_or_insert((seed, map));
            }
            Err(problem) => findings.push(problem),
        }
    }
    let Some((seed, map)) = found else { return findings };
    findings.push(judge_slots(&map));
    findings.extend(judge_replicas(&map));
    findings.extend(examine_nodes(examination, seed, &map, key_prefix).await);
    findings
}

async fn find(examination: &Examination<'_>, seed: &ConnectionInfo) -> Result<SlotMap, Finding> {
    let redis = examination.connect(seed).await?;
    let host = Address::of(seed).map(|address| address.host).unwrap_or_default();
    let limit = examination.options.command_timeout;
    let problem = match tokio::time::timeout(limit, view_of(redis, &host)).await {
        Ok(Ok(view)) => return Ok(view.map),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {limit:?}"),
    };
    Err(Finding::error(
        CLUSTER,
        format!("{} does not tell which node has which keys: {problem}", seed.addr()),
        "write redis:// in redis.url for a single server; for a cluster, let the node join it, and \
         allow the user of redis.url CLUSTER SLOTS and CLUSTER INFO",
    ))
}

fn judge_slots(map: &SlotMap) -> Finding {
    let count = map.primaries().len();
    if map.is_complete() {
        return Finding::ok(CLUSTER, format!("{count} primaries have all slots"));
    }
    let message = format!("the {count} primaries do not have all slots");
    Finding::error(CLUSTER, message, "give the others to a node: redis-cli --cluster fix")
}

fn judge_replicas(map: &SlotMap) -> Vec<Finding> {
    let mut alone: Vec<_> = map.primaries().into_iter().collect();
    alone.retain(|primary| map.replicas(primary).is_empty());
    alone.sort_by_key(ToString::to_string);
    let told = |primary: &Address| {
        let message =
            format!("{primary} has no replica: if it is lost, so is its share of the codes");
        Finding::warning(REPLICAS, message, "give each primary a replica on another machine")
    };
    alone.into_iter().map(told).collect()
}

async fn examine_nodes(
    examination: &Examination<'_>,
    seed: &ConnectionInfo,
    map: &SlotMap,
    key_prefix: &str,
) -> Vec<Finding> {
    let mut nodes = Vec::new();
    for (primary, key) in map.key_of_each(&probe_key(key_prefix)) {
        nodes.push((primary.like(seed), Part::Primary, Some(key)));
        nodes
            .extend(map.replicas(primary).into_iter().map(|r| (r.like(seed), Part::Replica, None)));
    }
    let findings = nodes
        .into_iter()
        .map(async |(node, part, probe)| examination.of_member(&node, part, probe).await);
    join_all(findings).await.concat()
}
