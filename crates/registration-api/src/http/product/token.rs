//! The product's token (RFC 6750), compared in constant time.

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// The fewest characters of a token: as many hexadecimal digits have 128 bits.
const MIN_LENGTH: usize = 32;

/// The secret that the product and this service share.
#[derive(Debug, Clone)]
pub struct ProductToken(SecretString);

/// Why a text is not a token. The messages never contain it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProductTokenError {
    /// There is none.
    #[error("is missing")]
    Missing,
    /// It could be guessed.
    #[error("is shorter than {MIN_LENGTH} characters")]
    TooShort,
    /// It could not be sent in a header.
    #[error("has characters other than letters, digits and -._~+/=")]
    Unsendable,
}

impl ProductToken {
    /// Takes a token of at least 32 characters that a header can carry (RFC 6750 section 2.1).
    pub fn new(text: SecretString) -> Result<Self, ProductTokenError> {
        let exposed = text.expose_secret();
        let is_sendable = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if exposed.is_empty() {
            Err(ProductTokenError::Missing)
        } else if !exposed.bytes().all(is_sendable) {
            Err(ProductTokenError::Unsendable)
        } else if exposed.len() < MIN_LENGTH {
            Err(ProductTokenError::TooShort)
        } else {
            Ok(Self(text))
        }
    }

    /// The time tells at most the length.
    pub(super) fn matches(&self, presented: &[u8]) -> bool {
        self.0.expose_secret().as_bytes().ct_eq(presented).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789ABCDEF";

    fn refusal(text: &str) -> Option<ProductTokenError> {
        ProductToken::new(text.into()).err()
    }

    #[test]
    fn asvs_11_5_1_a_missing_short_or_unsendable_token_is_refused() {
        assert_eq!(refusal(TOKEN), None);
        assert_eq!(refusal(""), Some(ProductTokenError::Missing));
        assert_eq!(refusal(&TOKEN[1..]), Some(ProductTokenError::TooShort));
        for text in [format!("{TOKEN} "), format!("{TOKEN}\n"), format!("ä{TOKEN}")] {
            assert_eq!(refusal(&text), Some(ProductTokenError::Unsendable), "{text:?}");
        }
    }

    #[test]
    fn a_token_matches_itself_only_and_shows_itself_to_nobody() {
        let token = ProductToken::new(TOKEN.into()).unwrap();
        assert!(token.matches(TOKEN.as_bytes()));
        for other in ["", &TOKEN[1..], &format!("{TOKEN}0"), &TOKEN.to_lowercase()] {
            assert!(!token.matches(other.as_bytes()), "{other}");
        }
        assert!(!format!("{token:?}").contains(TOKEN));
    }
}
