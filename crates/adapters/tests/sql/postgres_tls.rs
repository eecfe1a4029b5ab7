//! TLS to PostgreSQL: when the URL asks for it, encrypted and verified or not at all.
//!
//! The servers that tests are given speak plain text, so a proxy does the server's part of the
//! negotiation (PostgreSQL protocol, section "SSL Session Encryption") and forwards what it decrypts.

use std::io;
use std::path::Path;

use adapters::postgres::PostgresOptions;
use domain::ports::RepositoryError;
use test_support::{Authority, Proxy, install_crypto_provider};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::fixtures::Store;
use crate::postgres::{TestDatabase, options, server_address, server_url, store_on, url_behind};

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Agrees to TLS. A client that does not ask for it gets nothing here.
async fn accept(mut client: TcpStream, acceptor: TlsAcceptor) -> io::Result<TlsStream<TcpStream>> {
    let mut request = [0; 8];
    client.read_exact(&mut request).await?;
    if request != SSL_REQUEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    client.write_all(b"S").await?;
    acceptor.accept(client).await
}

async fn store(host: &str, port: u16, ssl_mode: &str, roots: &Path) -> Store {
    let database = TestDatabase::migrated().await;
    let url = url_behind(&format!("{host}:{port}"), database.name(), ssl_mode);
    store_on(&PostgresOptions { root_certificates: Some(roots.to_owned()), ..options(&url) }, database)
}

fn assert_refused(ping: Result<(), RepositoryError>, reason: &str) {
    let Err(RepositoryError::Unavailable(source)) = ping else { panic!("the connection was made") };
    assert!(source.to_string().contains(reason), "{source}");
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_12_3_2_a_connection_is_encrypted_and_verified_when_the_url_asks_for_it() {
    install_crypto_provider();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, authority: &Authority| {
        let path = directory.path().join(name);
        std::fs::write(&path, authority.certificate_pem()).unwrap();
        path
    };
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (our_roots, their_roots) = (write("ours.pem", &ours), write("theirs.pem", &theirs));
    let acceptor = ours.issue("localhost").acceptor();
    let server = Proxy::start_with(server_address(), move |client| accept(client, acceptor.clone())).await;
    let port = server.port();

    for ssl_mode in ["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full"] {
        let store = store("localhost", port, ssl_mode, &our_roots).await;
        store.users.ping().await.unwrap();
        store.registered("ada@example.com").await;
    }
    let stranger = store("localhost", port, "sslmode=require", &their_roots).await;
    assert_refused(stranger.users.ping().await, "certificate");
    let other_name = store("127.0.0.1", port, "sslmode=require", &our_roots).await;
    assert_refused(other_name.users.ping().await, "certificate");
    let plain = store("localhost", port, "", &our_roots).await;
    assert!(plain.users.ping().await.is_err(), "without sslmode nothing is encrypted");
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_12_3_1_a_server_without_tls_is_not_talked_to_when_tls_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let roots = directory.path().join("roots.pem");
    std::fs::write(&roots, Authority::new().certificate_pem()).unwrap();
    let database = TestDatabase::migrated().await;
    let separator = if server_url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}sslmode=require", database.url().trim_end_matches('?'));
    let store = store_on(&PostgresOptions { root_certificates: Some(roots), ..options(&url) }, database);
    assert_refused(store.users.ping().await, "TLS");
}
