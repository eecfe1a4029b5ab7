//! Redis under Sentinel, which replaces the primary.

use adapters::redis::{RedisCodeStore, RedisOptions, connect};
use domain::ErrorChain;
use domain::ports::CodeStore;
use redis::aio::MultiplexedConnection;
use test_servers::{Interrupt, Redis, RedisSentinel};
use test_support::unique_name;

use crate::redis_load::Load;
use crate::redis_server::until_available;
use crate::{connect_to, prefix, url_in};

#[tokio::test(flavor = "multi_thread")]
async fn another_primary_is_found_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let program = Redis::installed().unwrap();
    let mut redis = RedisSentinel::start(&program, folder.path(), &Interrupt::never()).unwrap();
    let (connection, prefix) = (connect_to(&redis.url()), prefix());
    let load = Load::start(&connection, &prefix);
    load.answers(50).await;
    redis.begin_fail_over().unwrap();
    redis.wait_for_primary(1).unwrap();
    load.answers(50).await;

    redis.sentinels[0].kill();
    redis.sentinels[0].restart(&Interrupt::never()).unwrap();
    redis.servers[1].server.kill();
    redis.wait_for_primary(0).unwrap();
    load.answers(50).await;
    let outcome = load.stop().await;
    assert_eq!(outcome.repeated, 0, "{outcome:?}");
    assert!(outcome.refused.iter().any(|error| error.contains("no connection")), "{outcome:?}");
}

#[tokio::test]
async fn a_sentinel_that_is_away_does_not_matter_and_all_of_them_are_named() {
    let url = url_in("TEST_REDIS_SENTINEL_URL");
    let (hosts, _) = url.strip_prefix("redis+sentinel://").unwrap().split_once('/').unwrap();
    let store = |url: String| RedisCodeStore::new(connect_to(&url), &prefix());
    let nobody = test_support::free_port();
    until_available(&store(url.replace(hosts, &format!("127.0.0.1:{nobody},{hosts}")))).await;

    let unknown = store(url.replace("/main", "/other"));
    let refusal = ErrorChain(&unknown.ping().await.unwrap_err()).to_string();
    assert!(refusal.contains("does not know the service"), "{refusal}");
}

/// The servers and the Sentinels have users of their own.
#[tokio::test]
async fn servers_and_sentinels_have_different_passwords() {
    let url = url_in("TEST_REDIS_SENTINEL_URL");
    let (user, watcher) = (unique_name(), unique_name());
    let (hosts, service) = url.strip_prefix("redis+sentinel://").unwrap().split_once('/').unwrap();
    for sentinel in hosts.split(',') {
        let port = sentinel.rsplit_once(':').unwrap().1;
        let redis = administer(port).await;
        set_user(redis.clone(), &watcher, "for-sentinel").await;
        let mut find = redis::cmd("SENTINEL");
        find.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
        let (_, primary): (String, String) = find.query_async(&mut redis.clone()).await.unwrap();
        set_user(administer(&primary).await, &user, "for-servers").await;
    }
    let store = |password: &str, sentinel_password: &str| {
        let own = format!("sentinel_username={watcher}&sentinel_password={sentinel_password}");
        let url = format!("redis+sentinel://{user}:{password}@{hosts}/{service}?{own}");
        RedisCodeStore::new(connect_to(&url), &prefix())
    };
    until_available(&store("for-servers", "for-sentinel")).await;
    store("for-sentinel", "for-sentinel").ping().await.unwrap_err();
    store("for-servers", "for-servers").ping().await.unwrap_err();
}

async fn administer(port: &str) -> MultiplexedConnection {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/")).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

async fn set_user(mut redis: MultiplexedConnection, name: &str, password: &str) {
    let mut set = redis::cmd("ACL");
    set.arg("SETUSER").arg(name).arg("on").arg(format!(">{password}")).arg(&["~*", "&*", "+@all"]);
    set.exec_async(&mut redis).await.unwrap();
}

#[tokio::test]
async fn a_wrong_url_of_many_hosts_is_refused_at_the_start() {
    for (url, said) in [
        ("redis+sentinel://:geheim@a:1,b:2", "names no service"),
        ("redis+cluster://:geheim@a:1,b:2/3", "names a database"),
        ("redis+cluster://:geheim@a:1,", "not of the form"),
    ] {
        let limit = std::time::Duration::from_secs(1);
        let options =
            RedisOptions { url: url.into(), connect_timeout: limit, command_timeout: limit };
        let refusal = connect(options).err().expect("the URL should be refused");
        let shown = format!("{refusal} {refusal:?}");
        assert!(refusal.to_string().contains(said) && !shown.contains("geheim"), "{shown}");
    }
}
