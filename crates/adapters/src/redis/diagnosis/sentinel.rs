//! Servers under Sentinel: whether the Sentinels answer and agree, the primary, and its replicas.

use std::collections::HashMap;

use domain::Finding;
use redis::ConnectionInfo;
use redis::aio::MultiplexedConnection;

use super::super::address::Address;
use super::super::probe::probe_key;
use super::super::sentinel::find_primary;
use super::super::url::Sentinels;
use super::examination::Examination;
use super::server::Part;

const SENTINEL: &str = "redis.sentinel";
const REPLICAS: &str = "redis.replicas";

/// How many Sentinels a fail-over takes that is not decided by one of them alone.
const ENOUGH: usize = 3;

pub(super) async fn examine(
    examination: &Examination<'_>,
    sentinels: &Sentinels,
    key_prefix: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found: Option<(Address, MultiplexedConnection)> = None;
    for sentinel in &sentinels.addresses {
        match ask(examination, sentinels, sentinel).await {
            Ok((primary, redis)) => {
                findings.push(judge_answer(sentinel, &primary, found.as_ref()));
                found.get_or_insert((primary, redis));
            }
            Err(problem) => findings.push(problem),
        }
    }
    if sentinels.addresses.len() < ENOUGH {
        let message =
            "redis.url names fewer than three Sentinels: it may lead nowhere in an outage";
        findings.push(Finding::warning(SENTINEL, message, "name all Sentinels, at least three"));
    }
    let Some((primary, redis)) = found else { return findings };
    let server = primary.like(&sentinels.primary);
    let probe = Some(probe_key(key_prefix));
    findings.extend(examination.of_server(&server, Part::Primary, probe).await);
    let mut question = redis::cmd("SENTINEL");
    question.arg("SLAVES").arg(&sentinels.service);
    let answer = examination.ask::<Vec<HashMap<String, String>>>(&redis, &question).await;
    let replicas: Vec<_> = answer.unwrap_or_default().iter().filter_map(read_replica).collect();
    if replicas.is_empty() {
        let message = format!("{primary} has no replica: if it is lost, so are all codes");
        let advice = "give the primary a replica on another machine";
        findings.push(Finding::warning(REPLICAS, message, advice));
    }
    for replica in replicas {
        let server = replica.like(&sentinels.primary);
        findings.extend(examination.of_member(&server, Part::Replica, None).await);
    }
    findings
}

async fn ask(
    examination: &Examination<'_>,
    sentinels: &Sentinels,
    sentinel: &ConnectionInfo,
) -> Result<(Address, MultiplexedConnection), Finding> {
    let mut redis = examination.connect(sentinel).await?;
    let named = find_primary(&mut redis, sentinels, examination.options).await;
    let primary = named.map_err(|error| {
        let message = format!("{} names no primary: {error}", sentinel.addr());
        let advice = "check the service's name in redis.url, and SENTINEL MASTERS there";
        Finding::error(SENTINEL, message, advice)
    })?;
    Ok((primary, redis))
}

fn judge_answer(
    sentinel: &ConnectionInfo,
    primary: &Address,
    before: Option<&(Address, MultiplexedConnection)>,
) -> Finding {
    let message = format!("{} names {primary} as the primary", sentinel.addr());
    match before {
        Some((other, _)) if other != primary => Finding::warning(
            SENTINEL,
            format!("{message}, and another Sentinel {other}"),
            "wait for the end of the fail-over, or let the Sentinels reach one another",
        ),
        _ => Finding::ok(SENTINEL, message),
    }
}

fn read_replica(told: &HashMap<String, String>) -> Option<Address> {
    Some(Address { host: told.get("ip")?.clone(), port: told.get("port")?.parse().ok()? })
}
