//! What stands for an address or a limit key in memory.

use sha2::{Digest, Sha256};

/// The digest that stands for an address or a limit key: a short key of fixed size.
pub(super) type KeyDigest = [u8; 32];

/// The digest of an address or a limit key.
pub(super) fn digest(text: &str) -> KeyDigest {
    Sha256::digest(text.as_bytes()).into()
}
