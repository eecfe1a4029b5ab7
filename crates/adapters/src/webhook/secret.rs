//! Signatures after the Standard Webhooks specification 1.0: HMAC-SHA-256 over identifier, timestamp
//! and body.

use base64::prelude::{BASE64_STANDARD, Engine};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox};
use sha2::Sha256;

const PREFIX: &str = "whsec_";
/// What the specification asks for, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that receiver and sender share.
#[derive(Clone)]
pub struct WebhookSecret(std::sync::Arc<SecretBox<Vec<u8>>>);

/// Why a text is not a secret. Does not repeat it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WebhookSecretError {
    /// Another prefix, or not Base64.
    #[error("it must be whsec_ and then Base64")]
    Malformed,
    /// Fewer than 24 or more than 64 bytes.
    #[error("it has {0} bytes instead of 24 to 64")]
    Length(usize),
}

impl WebhookSecret {
    /// Reads a secret in the form of the specification, `whsec_…`.
    pub fn parse(text: &str) -> Result<Self, WebhookSecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(WebhookSecretError::Malformed)?;
        let key = BASE64_STANDARD.decode(encoded).map_err(|_| WebhookSecretError::Malformed)?;
        if !LENGTHS.contains(&key.len()) {
            return Err(WebhookSecretError::Length(key.len()));
        }
        Ok(Self(std::sync::Arc::new(SecretBox::new(Box::new(key)))))
    }

    /// The signature of a message, with its version.
    fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).ok()?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(***)")
    }
}

/// The signatures of all secrets, for a receiver that knows one of them.
pub(super) fn signatures(
    secrets: &[WebhookSecret],
    id: &str,
    timestamp: u64,
    body: &[u8],
) -> String {
    let signatures: Vec<String> =
        secrets.iter().filter_map(|secret| secret.sign(id, timestamp, body)).collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the reference implementations share.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn sign(secrets: &[&str], id: &str, timestamp: u64, body: &str) -> String {
        let secrets: Vec<_> =
            secrets.iter().map(|text| WebhookSecret::parse(text).unwrap()).collect();
        signatures(&secrets, id, timestamp, body.as_bytes())
    }

    #[test]
    fn a_signature_is_that_of_the_reference_implementations() {
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);
        assert_eq!(sign(&[SECRET], id, 1_614_265_330, body), SIGNATURE);
        for other in [
            sign(&[SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJel", 1_614_265_330, body),
            sign(&[SECRET], id, 1_614_265_331, body),
            sign(&[SECRET], id, 1_614_265_330, r#"{"test": 2432232315}"#),
        ] {
            assert_ne!(other, SIGNATURE);
        }
    }

    #[test]
    fn while_a_secret_is_changed_each_signs() {
        let other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);
        let both = sign(&[other, SECRET], id, 1_614_265_330, body);
        let expected = format!("{} {SIGNATURE}", sign(&[other], id, 1_614_265_330, body));
        assert_eq!(both, expected);
    }

    #[test]
    fn asvs_13_3_1_a_secret_that_cannot_be_used_is_refused_and_none_is_shown() {
        let refusal = |text: &str| WebhookSecret::parse(text).unwrap_err();
        for text in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***", "whsec_MfKQ9r8"] {
            assert_eq!(refusal(text), WebhookSecretError::Malformed, "{text}");
        }
        assert_eq!(refusal("whsec_c2hvcnQ="), WebhookSecretError::Length(5));
        let long = format!("whsec_{}", BASE64_STANDARD.encode([7; 65]));
        assert_eq!(refusal(&long), WebhookSecretError::Length(65));
        assert!(!format!("{:?}", WebhookSecret::parse(SECRET).unwrap()).contains("MfKQ"));
    }
}
