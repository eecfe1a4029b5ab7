//! TLS to PostgreSQL: when the URL asks for it, encrypted and verified or not at all.
//!
//! The servers that tests are given speak plain text, so a proxy does the server's part of the
//! negotiation (PostgreSQL protocol, section "SSL Session Encryption") and forwards what it decrypts.
//!
//! Which authorities are trusted is up to the system; `SSL_CERT_FILE` names others. The environment of a
//! process can't be changed while it runs, so the client is a run of this executable of its own.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use adapters::postgres::Database;
use domain::ports::RepositoryError;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::postgres::{TestDatabase, connect_to_server, options, server_url, store_on, url_behind};

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn acceptor_for(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

async fn serve(mut client: TcpStream, acceptor: TlsAcceptor) -> std::io::Result<()> {
    let mut request = [0; 8];
    client.read_exact(&mut request).await?;
    if request != SSL_REQUEST {
        // Whoever does not ask for encryption gets nothing here.
        return Ok(());
    }
    client.write_all(b"S").await?;
    let mut client = acceptor.accept(client).await?;
    copy_bidirectional(&mut client, &mut connect_to_server().await).await.map(drop)
}

/// A TLS server whose certificate is for `name`; returns its port.
async fn tls_server(acceptor: TlsAcceptor) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, acceptor.clone()));
        }
    });
    port
}

const URL: &str = "POSTGRES_TLS_CLIENT_URL";

/// Connects to the server at `url` and registers a user, trusting the authorities in `roots`, or returns why it
/// could not.
fn run_client(url: &str, roots: &Path) -> Result<(), String> {
    let client = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "postgres_tls::client", "--nocapture"])
        .env(URL, url)
        .env("SSL_CERT_FILE", roots)
        .env_remove("SSL_CERT_DIR")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(client.status.success(), "the client failed: {}", client.status);
    let output = String::from_utf8(client.stdout).unwrap();
    match output.lines().find_map(|line| line.strip_prefix("refused: ")) {
        Some(reason) => Err(reason.to_owned()),
        None => Ok(()),
    }
}

/// The client: does nothing when it is not started by a test below.
#[tokio::test(flavor = "multi_thread")]
async fn client() {
    let Ok(url) = std::env::var(URL) else { return };
    let _ = rustls::crypto::ring::default_provider().install_default();
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
    let _ = rustls::crypto::ring::default_provider().install_default();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, pem: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (our_roots, their_roots) = (write("ours.pem", &ours.pem), write("theirs.pem", &theirs.pem));
    let port = tls_server(ours.acceptor_for("localhost")).await;
    let connect = async |host: &str, ssl_mode: &str, roots: &Path| {
        let database = TestDatabase::migrated().await;
        run_client(&url_behind(&format!("{host}:{port}"), database.name(), ssl_mode), roots)
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
    std::fs::write(&roots, Authority::new().pem).unwrap();
    let database = TestDatabase::migrated().await;
    let separator = if server_url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}sslmode=require", database.url().trim_end_matches('?'));
    assert_refused(run_client(&url, &roots), "TLS");
}

#[test]
fn certificates_that_cannot_be_read_get_one_sentence() {
    let url = "postgres://localhost/db?sslmode=verify-full";
    let refused = run_client(url, Path::new("/nowhere/ca.pem")).expect_err("refused");
    let start = "the certificates trusted for PostgreSQL cannot be read: ";
    assert!(refused.starts_with(start) && refused.contains("/nowhere/ca.pem"), "{refused}");
}
