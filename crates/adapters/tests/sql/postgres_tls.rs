//! TLS to PostgreSQL: when the URL asks for it, encrypted and verified or not at all.
//!
//! The servers that tests are given speak plain text, so a proxy does the server's part of the
//! negotiation (PostgreSQL protocol, section "SSL Session Encryption") and forwards what it decrypts.

use std::{path::Path, sync::Arc};

use adapters::postgres::Options;
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

use crate::{
    fixtures::Store,
    postgres::{TestDatabase, connect_to_server, options, server_url, store_on, url_behind},
};

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

async fn store(host: &str, port: u16, ssl_mode: &str, roots: &Path) -> Store {
    let database = TestDatabase::migrated().await;
    let url = url_behind(&format!("{host}:{port}"), database.name(), ssl_mode);
    store_on(&Options { root_certificates: Some(roots.to_owned()), ..options(&url) }, database)
}

fn assert_refused(ping: Result<(), RepositoryError>, reason: &str) {
    let Err(RepositoryError::Unavailable(source)) = ping else { panic!("the connection was made") };
    assert!(source.to_string().contains(reason), "{source}");
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
    std::fs::write(&roots, Authority::new().pem).unwrap();
    let database = TestDatabase::migrated().await;
    let separator = if server_url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}sslmode=require", database.url().trim_end_matches('?'));
    let store = store_on(&Options { root_certificates: Some(roots), ..options(&url) }, database);
    assert_refused(store.users.ping().await, "TLS");
}
