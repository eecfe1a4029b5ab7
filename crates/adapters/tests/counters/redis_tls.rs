//! TLS to Redis: `rediss:` speaks to a server whose certificate is trusted and fits its name, or
//! not at all.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use adapters::redis::{RedisCodeStore, RedisOptions, connect};
use domain::CodeIssue;
use test_support::{Authority, eventually, free_port, install_crypto_provider, run_client};

use crate::redis_server::{Server, until_available};
use crate::{open, opened, prefix, user_id};

const URL: &str = "REDIS_TLS_CLIENT_URL";

/// An authority's certificate, and one that it gave to `localhost` with its key, all as PEM files.
fn certificates(folder: &Path) {
    let write = |name: &str, pem: &str| std::fs::write(folder.join(name), pem).unwrap();
    let authority = Authority::new();
    let server = authority.issue("localhost");
    write("authority.pem", authority.certificate_pem());
    write("server.pem", &server.certificate_pem());
    write("server.key", &server.key_pem());
}

/// Whether a client that trusts the authorities in `roots` can use the server at `url`.
async fn client_succeeds(url: &str, roots: &Path) -> bool {
    run_client("redis_tls::client", roots, [(URL, url)]).await.status.success()
}

/// The client: does nothing when it is not started by the test below.
#[tokio::test]
async fn client() {
    let Ok(url) = std::env::var(URL) else { return };
    install_crypto_provider();
    let wait = Duration::from_secs(5);
    let options = RedisOptions { url: url.into(), connect_timeout: wait, command_timeout: wait };
    let store = RedisCodeStore::new(connect(options).unwrap(), &prefix());
    let codes = open(&store, CodeIssue { user_id: user_id(), number: 1 }, wait, 5).await;
    assert_eq!(codes, opened());
}

#[tokio::test]
async fn asvs_12_3_2_redis_is_used_over_tls_only_with_a_certificate_that_is_trusted_and_fits() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (plain, encrypted) = (free_port(), free_port());
    let tls = ["--tls-port", &encrypted.to_string(), "--tls-auth-clients", "no"].map(str::to_owned);
    let files = [
        "--tls-cert-file".to_owned(),
        file("server.pem"),
        "--tls-key-file".to_owned(),
        file("server.key"),
    ];
    let server = Server::start_with(plain, &[&tls[..], &files[..]].concat());
    until_available(&RedisCodeStore::new(crate::connect_to(&server.url()), &prefix())).await;
    let roots = folder.path().join("authority.pem");
    let other_folder = tempfile::tempdir().unwrap();
    certificates(other_folder.path());
    let other_roots = other_folder.path().join("authority.pem");
    let url = |host: &str| format!("rediss://{host}:{encrypted}/");
    assert!(client_succeeds(&url("localhost"), &roots).await);
    assert!(!client_succeeds(&url("localhost"), &other_roots).await, "an unknown authority");
    let other_host = url(&Ipv4Addr::LOCALHOST.to_string());
    assert!(!client_succeeds(&other_host, &roots).await, "another host's certificate");
}

/// The nodes tell each other's names, as certificates need.
#[tokio::test]
async fn asvs_12_3_2_each_node_of_a_cluster_is_spoken_to_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let [plain, encrypted, bus] = [free_port(), free_port(), free_port()].map(|p| p.to_string());
    let arguments = [
        ["--tls-port", &encrypted],
        ["--tls-auth-clients", "no"],
        ["--tls-cert-file", &file("server.pem")],
        ["--tls-key-file", &file("server.key")],
        ["--tls-ca-cert-file", &file("authority.pem")],
        ["--tls-cluster", "yes"],
        ["--cluster-enabled", "yes"],
        ["--cluster-port", &bus],
        ["--cluster-announce-hostname", "localhost"],
        ["--cluster-preferred-endpoint-type", "hostname"],
        ["--dir", &folder.path().display().to_string()],
    ];
    let arguments: Vec<_> = arguments.concat().into_iter().map(str::to_owned).collect();
    let server = Server::start_with(plain.parse().unwrap(), &arguments);
    let client = redis::Client::open(server.url()).unwrap();
    let connect = async || client.get_multiplexed_async_connection().await.ok();
    let mut administrator = eventually("the node to answer", connect).await;
    let mut add = redis::cmd("CLUSTER");
    add.arg("ADDSLOTSRANGE").arg(0).arg(16_383);
    add.exec_async(&mut administrator).await.unwrap();
    eventually("the cluster to be up", async || {
        let mut info = redis::cmd("CLUSTER");
        let info: String = info.arg("INFO").query_async(&mut administrator.clone()).await.unwrap();
        info.contains("cluster_state:ok").then_some(())
    })
    .await;
    let roots = folder.path().join("authority.pem");
    let url = |host: &str| format!("rediss+cluster://{host}:{encrypted}");
    assert!(client_succeeds(&url("localhost"), &roots).await);
    let other_host = url(&Ipv4Addr::LOCALHOST.to_string());
    assert!(!client_succeeds(&other_host, &roots).await, "another host's certificate");
}
