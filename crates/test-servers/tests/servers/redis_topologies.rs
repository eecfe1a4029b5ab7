//! A private Redis Cluster, and a private Redis under Sentinel.

use std::time::Duration;

use test_servers::{Interrupt, Redis, RedisCluster, RedisSentinel};

#[test]
fn a_cluster_moves_slots_and_fails_over() {
    let folder = tempfile::tempdir().unwrap();
    let timeout = Duration::from_secs(2);
    let never = Interrupt::never();
    let program = Redis::installed().unwrap();
    let mut cluster =
        RedisCluster::start(&program, folder.path(), 3, true, timeout, &never).unwrap();
    assert_eq!(cluster.url().matches("127.0.0.1:").count(), 6);
    assert_eq!([0, 5461, 5462, 16_383].map(|slot| cluster.first_owner(slot, 3)), [0, 0, 1, 2]);

    cluster.begin_move(0, 0, 1).unwrap();
    cluster.move_keys(0, 0, 1).unwrap();
    cluster.end_move(0, 0, 1).unwrap();
    cluster.fail_over_to(3).unwrap();
    assert!(!cluster.nodes[0].is_primary().unwrap());
    cluster.nodes[1].server.kill();
    cluster.wait_for_primary(4).unwrap();
}

#[test]
fn sentinels_replace_a_primary_on_request_and_when_it_dies() {
    let folder = tempfile::tempdir().unwrap();
    let program = Redis::installed().unwrap();
    let mut redis = RedisSentinel::start(&program, folder.path(), &Interrupt::never()).unwrap();
    assert!(redis.url().ends_with("/main"));
    redis.begin_fail_over().unwrap();
    redis.wait_for_primary(1).unwrap();
    redis.servers[1].server.kill();
    redis.wait_for_primary(0).unwrap();
}
