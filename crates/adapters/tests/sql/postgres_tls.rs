//! TLS to PostgreSQL: when the URL asks for it, encrypted and verified or not at all.
//!
//! The servers that tests are given speak plain text, so a proxy does the server's part of the
//! negotiation (PostgreSQL protocol, section "SSL Session Encryption") and forwards what it
//! decrypts.

use std::io;
use std::path::Path;

use adapters::postgres::Database;
use domain::ports::RepositoryError;
use test_support::{Authority, Proxy, install_crypto_provider, run_client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

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

const URL: &str = "POSTGRES_TLS_CLIENT_URL";

/// Connects to the server at `url` and registers a user, trusting the authorities in `roots`, or
/// returns why it could not.
async fn connect_client(url: &str, roots: &Path) -> Result<(), String> {
    let output = run_client("postgres_tls::client", roots, [(URL, url)]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    match text.lines().find_map(|line| line.strip_prefix("refused: ")) {
        Some(reason) => Err(reason.to_owned()),
        None => Ok(()),
    }
}

/// The client: does nothing when it is not started by a test below.
#[tokio::test(flavor = "multi_thread")]
async fn client() {
    let Ok(url) = std::env::var(URL) else { return };
    install_crypto_provider();
    if let Err(error) = Database::new(&options(&url)) {
        println!("\nrefused: {error}");
        return;
    }
    let store = store_on(&options(&url), ());
    match store.users.ping().await {
        Ok(()) => drop(store.registered("ada@example.com").await),
        Err(RepositoryError::Unavailable(source)) => println!("\nrefused: {source}"),
        Err(error) => panic!("{error}"),
    }
}

fn assert_refused(client: Result<(), String>, reason: &str) {
    let refused = client.expect_err("the connection was made");
    assert!(refused.contains(reason), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_12_3_2_a_connection_is_encrypted_and_verified_when_the_url_asks_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, authority: &Authority| {
        let path = directory.path().join(name);
        std::fs::write(&path, authority.certificate_pem()).unwrap();
        path
    };
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (our_roots, their_roots) = (write("ours.pem", &ours), write("theirs.pem", &theirs));
    let acceptor = ours.issue("localhost").acceptor();
    let server =
        Proxy::start_with(server_address(), move |client| accept(client, acceptor.clone())).await;
    let connect = async |host: &str, ssl_mode: &str, roots: &Path| {
        let database = TestDatabase::migrated().await;
        let url = url_behind(format_args!("{host}:{}", server.port()), database.name(), ssl_mode);
        connect_client(&url, roots).await
    };

    for ssl_mode in ["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full"] {
        connect("localhost", ssl_mode, &our_roots).await.unwrap();
    }
    assert_refused(connect("localhost", "sslmode=require", &their_roots).await, "certificate");
    assert_refused(connect("127.0.0.1", "sslmode=require", &our_roots).await, "certificate");
    let plain = connect("localhost", "", &our_roots).await;
    assert!(plain.is_err(), "without sslmode nothing is encrypted");
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_12_3_1_a_server_without_tls_is_not_talked_to_when_tls_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let roots = directory.path().join("roots.pem");
    std::fs::write(&roots, Authority::new().certificate_pem()).unwrap();
    let database = TestDatabase::migrated().await;
    let separator = if server_url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}sslmode=require", database.url().trim_end_matches('?'));
    assert_refused(connect_client(&url, &roots).await, "TLS");
}

#[tokio::test]
async fn certificates_that_cannot_be_read_get_one_sentence() {
    let url = "postgres://localhost/db?sslmode=verify-full";
    let refused = connect_client(url, Path::new("/nowhere/ca.pem")).await.expect_err("refused");
    let start = "the certificates trusted for PostgreSQL cannot be read: ";
    assert!(refused.starts_with(start) && refused.contains("/nowhere/ca.pem"), "{refused}");
}
