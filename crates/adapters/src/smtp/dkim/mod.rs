//! Signs mails (DKIM: RFC 6376, RFC 8463), so that their recipients can tell them from forgeries.
//!
//! Own code, since the libraries for it bring a second cryptography (aws-lc) or an RSA with an open
//! advisory; hashes and signatures are ring's, as everywhere else. Only what is needed to sign one
//! mail that was composed here: relaxed canonicalisation of both parts, the whole body.

mod canonical;
mod key;
mod signature;

use ring::digest::{SHA256, digest};

use self::canonical::relax_body;
pub use self::key::DkimKeyError;
use self::key::SigningKey;
use self::signature::Unsigned;
use super::error::SmtpError;
use super::options::{DkimOptions, SmtpOptionsError};

/// Signs with each of its keys.
pub(super) struct Signer(Vec<Identity>);

/// A key, and where its public half is published: `selector._domainkey.domain`.
struct Identity {
    selector: String,
    domain: String,
    key: SigningKey,
}

impl Signer {
    pub(super) fn new(options: &[DkimOptions]) -> Result<Self, SmtpOptionsError> {
        let identity = |options: &DkimOptions| {
            if !is_domain(&options.selector) {
                return Err(SmtpOptionsError::DkimSelector);
            }
            if !is_domain(&options.domain) {
                return Err(SmtpOptionsError::DkimDomain);
            }
            let key = SigningKey::from_pem(&options.private_key)?;
            Ok(Identity { selector: options.selector.clone(), domain: options.domain.clone(), key })
        };
        options.iter().map(identity).collect::<Result<_, _>>().map(Self)
    }

    /// Puts a signature for each key in front of a message.
    pub(super) fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, SmtpError> {
        if self.0.is_empty() {
            return Ok(message);
        }
        let (head, body) = split(&message);
        let body_hash = digest(&SHA256, &relax_body(body));
        let mut signed = Vec::with_capacity(message.len() + 1024 * self.0.len());
        for Identity { selector, domain, key } in &self.0 {
            let unsigned =
                Unsigned::new(key.algorithm(), domain, selector, head, body_hash.as_ref());
            let signature = key.sign(&unsigned.to_be_signed(head)).map_err(|_| {
                SmtpError::Composition("its DKIM signature cannot be computed".into())
            })?;
            signed.extend_from_slice(unsigned.with(&signature).as_bytes());
        }
        signed.extend_from_slice(&message);
        Ok(signed)
    }
}

/// Whether a text is made of letters, digits and hyphens with dots between.
pub(super) fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.split('.').all(is_label)
}

/// The lines of the head, and the body after the empty line.
fn split(message: &[u8]) -> (&[u8], &[u8]) {
    let end = message.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    match end {
        Some(end) => (&message[..end + 2], &message[end + 4..]),
        None => (message, &[]),
    }
}
