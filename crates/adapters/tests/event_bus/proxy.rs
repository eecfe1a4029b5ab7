//! A TCP proxy in front of the broker that can be cut and restored, and can speak TLS to the client.

use std::net::SocketAddr;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    up: watch::Sender<bool>,
}

impl Proxy {
    /// Passes bytes on to the broker at `upstream`.
    pub(crate) async fn plain(upstream: String) -> Self {
        Self::start(upstream, None).await
    }

    /// Speaks TLS to the client, with a certificate for `localhost`; returns the certificate (PEM).
    pub(crate) async fn tls(upstream: String) -> (Self, String) {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".into()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
        let acceptor = TlsAcceptor::from(std::sync::Arc::new(config.unwrap()));
        (Self::start(upstream, Some(acceptor)).await, cert.pem())
    }

    async fn start(upstream: String, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (up, state) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (upstream, tls, mut state) = (upstream.clone(), tls.clone(), state.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = pass_on(client, upstream, tls) => {}
                        _ = state.wait_for(|up| !up) => {}
                    }
                });
            }
        });
        Self { address, up }
    }

    /// Ends all connections, and every new one at once.
    pub(crate) fn cut(&self) {
        self.up.send_replace(false);
    }

    pub(crate) fn restore(&self) {
        self.up.send_replace(true);
    }
}

async fn pass_on(client: TcpStream, upstream: String, tls: Option<TlsAcceptor>) {
    match tls {
        None => relay(client, upstream).await,
        Some(acceptor) => {
            if let Ok(client) = acceptor.accept(client).await {
                relay(client, upstream).await;
            }
        }
    }
}

async fn relay(mut client: impl AsyncRead + AsyncWrite + Unpin, upstream: String) {
    let mut broker = TcpStream::connect(upstream).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut broker).await;
}
