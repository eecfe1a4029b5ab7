//! The private half of a DKIM key.

use ring::digest::{SHA256, digest};
use ring::error::{KeyRejected, Unspecified};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};

/// Why a key is refused. The messages never contain it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DkimKeyError {
    /// Not what `openssl genpkey` writes.
    #[error("a DKIM key is a private key in PEM form")]
    NotPem,
    /// An elliptic curve, for example, for which DKIM has no algorithm.
    #[error("a DKIM key is an RSA or an Ed25519 key")]
    UnknownAlgorithm,
    /// RFC 8301 section 3.2: verifiers may refuse less than 1024 bits, and nobody should sign with
    /// less than 2048.
    #[error("an RSA key needs at least 2048 bits to sign mails")]
    TooShort,
    /// It does not add up.
    #[error("the DKIM key is damaged: {0}")]
    Damaged(String),
}

/// A key that can sign.
#[derive(Debug)]
pub(super) enum SigningKey {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Reads PKCS#8, or PKCS#1 for RSA.
    pub(super) fn from_pem(pem: &SecretString) -> Result<Self, DkimKeyError> {
        let key = PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes())
            .map_err(|_| DkimKeyError::NotPem)?;
        match key {
            PrivateKeyDer::Pkcs1(der) => rsa(RsaKeyPair::from_der(der.secret_pkcs1_der())),
            PrivateKeyDer::Pkcs8(der) => Self::from_pkcs8(der.secret_pkcs8_der()),
            _ => Err(DkimKeyError::UnknownAlgorithm),
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, DkimKeyError> {
        // OpenSSL leaves the public half out, against which the other constructor checks.
        if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Ok(Self::Ed25519(key));
        }
        rsa(RsaKeyPair::from_pkcs8(der))
    }

    /// The name of the algorithm (RFC 6376 section 3.3, RFC 8463 section 3).
    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa-sha256",
            Self::Ed25519(_) => "ed25519-sha256",
        }
    }

    pub(super) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature)?;
                Ok(signature)
            }
            // What is signed is the hash of the text, and not the text.
            Self::Ed25519(key) => Ok(key.sign(digest(&SHA256, text).as_ref()).as_ref().to_vec()),
        }
    }
}

fn rsa(key: Result<RsaKeyPair, KeyRejected>) -> Result<SigningKey, DkimKeyError> {
    key.map(|key| SigningKey::Rsa(Box::new(key))).map_err(|rejected| {
        match rejected.to_string().as_str() {
            "TooSmall" => DkimKeyError::TooShort,
            "WrongAlgorithm" => DkimKeyError::UnknownAlgorithm,
            other => DkimKeyError::Damaged(other.to_owned()),
        }
    })
}
