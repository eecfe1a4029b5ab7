//! TLS to Redis: `rediss:` speaks to a server whose certificate is trusted and fits its name, or
//! not at all.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use adapters::redis::{RedisCodeStore, RedisOptions, connect};
use domain::ports::CodeStore;
use test_support::{Authority, free_port, install_crypto_provider, run_client};

use crate::prefix;
use crate::redis_server::{Server, until_available};

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
    RedisCodeStore::new(connect(options).unwrap(), &prefix()).ping().await.unwrap();
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
