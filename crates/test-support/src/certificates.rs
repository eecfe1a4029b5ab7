//! Certificates that are trusted by whoever a test tells to, and the servers' side of TLS.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Says which cryptography rustls uses in this process, which a build of the whole workspace leaves
/// open.
pub fn install_crypto_provider() {
    // Fails only where it is installed already.
    let _ = ring::default_provider().install_default();
}

/// An authority that a client may trust.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
}

impl Authority {
    /// An authority of the test's own.
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate_pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), certificate_pem }
    }

    /// The certificate of the authority itself.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Certifies that a server is `name`.
    pub fn issue(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        Identity { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }
}

/// A server's certificate and its key.
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Identity {
    /// A server that certifies itself that it is `name`.
    pub fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        Self { certificate: params.self_signed(&key).unwrap(), key }
    }

    /// The certificate.
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// The private key.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// Makes TLS of the connections that a server accepts.
    pub fn acceptor(&self) -> TlsAcceptor {
        let certificate: CertificateDer<'static> = self.certificate.der().clone();
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key);
        TlsAcceptor::from(Arc::new(config.unwrap()))
    }
}
