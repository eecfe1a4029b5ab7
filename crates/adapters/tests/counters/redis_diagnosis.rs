//! What `doctor` says about Redis: each problem provoked on a server of the test's own.

use std::time::Duration;

use adapters::redis::{RedisOptions, diagnose};
use domain::{Finding, Severity};
use redis::aio::MultiplexedConnection;
use test_support::{Proxy, eventually, free_port};

use crate::redis_server::Server;
use crate::url_in;

/// A password that no finding may hold.
const CANARY: &str = "hush-hush";

async fn start(arguments: &[&str]) -> (Server, MultiplexedConnection) {
    let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
    let server = Server::start_with(free_port(), &arguments);
    let client = redis::Client::open(server.url()).unwrap();
    let administrator = eventually("the server to listen", async || {
        client.get_multiplexed_async_connection().await.ok()
    })
    .await;
    (server, administrator)
}

async fn tell(redis: &mut MultiplexedConnection, command: &str) {
    let mut words = command.split(' ');
    redis::cmd(words.next().unwrap())
        .arg(words.collect::<Vec<_>>())
        .exec_async(redis)
        .await
        .unwrap();
}

async fn diagnose_at(url: &str) -> Vec<Finding> {
    let limit = Duration::from_secs(5);
    let options = RedisOptions { url: url.into(), connect_timeout: limit, command_timeout: limit };
    let findings = diagnose(options, "test".into()).await;
    assert!(!format!("{findings:?}").contains(CANARY), "a password in {findings:#?}");
    findings
}

/// Of many servers: what is told is told of each.
fn said_of(findings: &[Finding], check: &str, severity: Severity) -> Vec<String> {
    let found = findings.iter().filter(|f| f.check == check && f.severity == severity);
    found.map(|finding| finding.message.clone()).collect()
}

/// How much each of these matters, and what was said of it.
#[track_caller]
fn assert_found(findings: &[Finding], check: &str, severity: Severity, said: &str) {
    let found: Vec<_> = findings.iter().filter(|finding| finding.check == check).collect();
    let [finding] = found[..] else { panic!("{check} is not found once in {findings:#?}") };
    assert_eq!(finding.severity, severity, "{finding:#?}");
    assert!(finding.message.contains(said), "{finding:#?}");
}

#[tokio::test]
async fn a_server_that_keeps_everything_has_nothing_but_ok() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().to_str().unwrap();
    let (server, mut redis) =
        start(&["--appendonly", "yes", "--dir", directory, "--maxmemory", "100mb"]).await;
    let findings = diagnose_at(&server.url()).await;
    let found: Vec<_> = findings.iter().map(|finding| (finding.check, finding.severity)).collect();
    let expected = [
        "redis.connection",
        "redis.tls",
        "redis.version",
        "redis.role",
        "redis.eviction",
        "redis.persistence",
        "redis.memory",
        "redis.writes",
        "redis.clock",
    ];
    assert_eq!(found, expected.map(|check| (check, Severity::Ok)));
    eventually("the probe's key to go", async || {
        let size: u64 = redis::cmd("DBSIZE").query_async(&mut redis).await.unwrap();
        (size == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_server_that_forgets_is_named() {
    let (server, mut redis) = start(&["--maxmemory-policy", "allkeys-lru"]).await;
    let findings = diagnose_at(&server.url()).await;
    assert_found(&findings, "redis.eviction", Severity::Warning, "allkeys-lru");
    assert_found(&findings, "redis.persistence", Severity::Warning, "appendonly");
    tell(&mut redis, "CONFIG SET maxmemory 100mb").await;
    let findings = diagnose_at(&server.url()).await;
    assert_found(&findings, "redis.eviction", Severity::Error, "allkeys-lru");
}

#[tokio::test]
async fn a_server_that_is_nearly_full_or_full_is_named() {
    let (server, mut redis) = start(&[]).await;
    let info: String = redis::cmd("INFO").arg("memory").query_async(&mut redis).await.unwrap();
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let limit = used.trim().parse::<u64>().unwrap() * 11 / 10;
    tell(&mut redis, &format!("CONFIG SET maxmemory {limit}")).await;
    assert_found(&diagnose_at(&server.url()).await, "redis.memory", Severity::Warning, "in use");
    tell(&mut redis, "CONFIG SET maxmemory 1").await;
    let full = diagnose_at(&server.url()).await;
    assert_found(&full, "redis.memory", Severity::Warning, "in use");
    assert_found(&full, "redis.writes", Severity::Error, "OOM");
}

#[tokio::test]
async fn a_replica_or_a_node_of_a_cluster_is_named() {
    let (server, mut redis) = start(&[]).await;
    tell(&mut redis, &format!("REPLICAOF 127.0.0.1 {}", free_port())).await;
    let findings = diagnose_at(&server.url()).await;
    assert_found(&findings, "redis.role", Severity::Error, "replica");
    assert_found(&findings, "redis.writes", Severity::Error, "read only replica");
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().to_str().unwrap();
    let bus = free_port().to_string();
    let cluster = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--dir", directory];
    let (node, _) = start(&cluster).await;
    assert_found(&diagnose_at(&node.url()).await, "redis.role", Severity::Error, "cluster");
}

#[tokio::test]
async fn each_node_of_a_cluster_is_examined() {
    let url = url_in("TEST_REDIS_CLUSTER_URL");
    let findings = diagnose_at(&url).await;
    assert_found(&findings, "redis.cluster", Severity::Ok, "3 primaries have all slots");
    let alone = said_of(&findings, "redis.replicas", Severity::Warning);
    let nodes = said_of(&findings, "redis.server", Severity::Ok);
    for address in url.strip_prefix("redis+cluster://").unwrap().split(',') {
        for told in [&alone, &nodes] {
            assert_eq!(told.iter().filter(|m| m.starts_with(address)).count(), 1, "{findings:#?}");
        }
    }
    let (lonely, _) = start(&[]).await;
    let findings = diagnose_at(&format!("redis+cluster://{}", lonely.address())).await;
    assert_found(&findings, "redis.cluster", Severity::Error, "does not tell which node");
}

#[tokio::test]
async fn the_sentinels_the_primary_and_its_replicas_are_examined() {
    let url = url_in("TEST_REDIS_SENTINEL_URL");
    let findings = diagnose_at(&url).await;
    assert_eq!(said_of(&findings, "redis.sentinel", Severity::Ok).len(), 3, "{findings:#?}");
    assert_found(&findings, "redis.writes", Severity::Ok, "can be written");
    assert_found(&findings, "redis.server", Severity::Ok, "nothing is wrong with it");
    let nobody = free_port();
    let findings = diagnose_at(&format!("redis+sentinel://127.0.0.1:{nobody}/main")).await;
    assert_found(&findings, "redis.connection", Severity::Error, "no connection");
    assert_found(&findings, "redis.sentinel", Severity::Warning, "fewer than three");
    let findings = diagnose_at(&url.replace("/main", "/other")).await;
    assert_eq!(said_of(&findings, "redis.sentinel", Severity::Error).len(), 3, "{findings:#?}");
}

#[tokio::test]
async fn what_a_user_may_not_do_is_named() {
    let (server, mut redis) = start(&[]).await;
    let at = |user: &str| format!("redis://{user}:{CANARY}@{}/", server.address());
    tell(
        &mut redis,
        &format!("ACL SETUSER narrow on >{CANARY} ~other:* +ping +set +client +hello"),
    )
    .await;
    let narrow = diagnose_at(&at("narrow")).await;
    assert_found(&narrow, "redis.server", Severity::Warning, "o permissions");
    assert_found(&narrow, "redis.writes", Severity::Error, "o permissions");
    assert_found(&narrow, "redis.scripts", Severity::Error, "o permissions");
    let stranger = diagnose_at(&at("stranger")).await;
    assert_found(&stranger, "redis.connection", Severity::Error, "no connection");
    let advice = stranger[0].advice.as_deref().unwrap();
    assert!(advice.contains("user and password"), "{stranger:#?}");
    assert_eq!(stranger.len(), 1);
}

#[tokio::test]
async fn asvs_13_3_1_a_redis_that_cannot_be_reached_is_named_without_its_password() {
    let nobody = diagnose_at(&format!("redis://me:{CANARY}@127.0.0.1:{}/", free_port())).await;
    assert_found(&nobody, "redis.connection", Severity::Error, "127.0.0.1");
    let not_a_url = diagnose_at(&format!("reddis://me:{CANARY}@cache/")).await;
    assert_found(&not_a_url, "redis.connection", Severity::Error, "redis://host:port/database");
    let (server, _) = start(&[]).await;
    let stalled = Proxy::start(server.address()).await;
    stalled.stall();
    let limit = Duration::from_millis(300);
    let url = format!("redis://{}/", stalled.address()).into();
    let options = RedisOptions { url, connect_timeout: limit, command_timeout: limit };
    let silent = diagnose(options, "test".into()).await;
    assert_found(&silent, "redis.connection", Severity::Error, "");
    assert_eq!(silent.len(), 1, "{silent:#?}");
}
