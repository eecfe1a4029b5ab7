//! The verification code: derived, never stored.
//!
//! HMAC-SHA-256 under a server key over the identifier of one issue, truncated as RFC 4226 section
//! 5.3 does. The same issue always has the same code, so a redelivered event mails the same digits,
//! and no code can be derived from any store without the key.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::user_id::UserId;

/// Separates this use of the key from all others.
const CONTEXT: &[u8] = b"registration/verification-code/v1";

/// Separates the use of the key for its name.
const KEY_ID_CONTEXT: &[u8] = b"registration/code-key-id/v1";

/// Identifies one issued code: the registration it belongs to and its number within it, from 1.
///
/// A later issue of the same registration has a greater number and supersedes every earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CodeIssue {
    /// The registration that requested the code.
    pub user_id: UserId,
    /// 1 for the registration itself, one more for each code requested afterwards.
    pub number: u32,
}

/// How many digits a code has: 4 to 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeLength(u8);

/// A code length outside 4 to 8.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a code has 4 to 8 digits, not {0}")]
pub struct CodeLengthError(u8);

impl CodeLength {
    /// Accepts 4 to 8 digits.
    pub fn new(digits: u8) -> Result<Self, CodeLengthError> {
        match digits {
            4..=8 => Ok(Self(digits)),
            _ => Err(CodeLengthError(digits)),
        }
    }

    /// The number of digits.
    pub fn digits(self) -> usize {
        usize::from(self.0)
    }
}

/// The server key that codes are derived from: at least 256 bits, never an example key.
pub struct CodeKey(Zeroizing<Vec<u8>>);

/// Tells one key from another without telling anything of either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeKeyId([u8; 4]);

impl CodeKeyId {
    /// Reads eight hexadecimal digits.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let mut id = [0; 4];
        let decoded = base16ct::lower::decode(text, &mut id).ok()?;
        (decoded.len() == 4).then_some(Self(id))
    }
}

impl std::fmt::Display for CodeKeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a key is refused. The messages never contain the key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CodeKeyError {
    /// Not an even number of hexadecimal digits.
    #[error("it is not hexadecimal")]
    NotHexadecimal,
    /// Fewer than 32 bytes.
    #[error("it has {0} bits; at least 256 are needed")]
    TooShort(usize),
    /// One byte repeated or a counting sequence: a placeholder that was never replaced.
    #[error("it is an example, not a secret")]
    Example,
}

impl CodeKey {
    /// The shortest key that is accepted, in bytes (RFC 2104: the length of the hash).
    pub const MIN_BYTES: usize = 32;

    /// Reads a key written in hexadecimal, as `openssl rand -hex 32` prints it.
    pub fn from_hex(text: &str) -> Result<Self, CodeKeyError> {
        let bytes =
            base16ct::mixed::decode_vec(text.trim()).map_err(|_| CodeKeyError::NotHexadecimal)?;
        Self::from_bytes(bytes)
    }

    /// Takes the raw bytes of a key.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, CodeKeyError> {
        let bytes = Zeroizing::new(bytes);
        if bytes.len() < Self::MIN_BYTES {
            return Err(CodeKeyError::TooShort(bytes.len() * 8));
        }
        let step = bytes[1].wrapping_sub(bytes[0]);
        let is_sequence = bytes.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step);
        let is_repetition =
            (2..=16).any(|period| bytes.iter().zip(bytes.iter().skip(period)).all(|(a, b)| a == b));
        if is_sequence || is_repetition {
            return Err(CodeKeyError::Example);
        }
        Ok(Self(bytes))
    }

    /// Authenticates a message in a context of its own, so that it cannot be taken for a code or
    /// for another message.
    pub(crate) fn sign(&self, context: &[u8], message: &[u8]) -> [u8; 32] {
        hmac(&self.0).chain_update(context).chain_update(message).finalize().into_bytes().into()
    }

    /// The name of the key.
    pub fn id(&self) -> CodeKeyId {
        let digest = hmac(&self.0).chain_update(KEY_ID_CONTEXT).finalize().into_bytes();
        CodeKeyId([digest[0], digest[1], digest[2], digest[3]])
    }

    /// Derives the code of one issue.
    ///
    /// ```
    /// use domain::{CodeIssue, CodeKey, CodeLength, UserId};
    /// use uuid::Uuid;
    ///
    /// let key = CodeKey::from_hex("7b1d0c9f4e5a6b2833d7f1a0c4e98275615f0b3ad2c7e48691b0fa3d5c6e7f12")?;
    /// let user_id = UserId::from_uuid(Uuid::parse_str("01890a5d-ac96-774b-bcce-b302099a8057")?);
    /// let length = CodeLength::new(4)?;
    /// let code = key.derive(CodeIssue { user_id, number: 1 }, length);
    /// assert_eq!(code.expose(), "7963");
    /// // The same issue always has the same code, so nothing needs to store it; the next one has another.
    /// assert!(key.derive(CodeIssue { user_id, number: 1 }, length).matches("7963"));
    /// assert!(!key.derive(CodeIssue { user_id, number: 2 }, length).matches("7963"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn derive(&self, issue: CodeIssue, length: CodeLength) -> VerificationCode {
        let digest = hmac(&self.0)
            .chain_update(CONTEXT)
            .chain_update(issue.user_id.as_uuid().as_bytes())
            .chain_update(issue.number.to_be_bytes())
            .finalize()
            .into_bytes();
        VerificationCode(Zeroizing::new(truncate(&digest, length)))
    }
}

impl std::fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeKey(redacted)")
    }
}

#[expect(clippy::expect_used, reason = "the error cannot occur: HMAC takes a key of any length")]
fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC accepts keys of any length")
}

/// Dynamic truncation, RFC 4226 section 5.3: the low nibble of the last byte picks four bytes, of
/// which 31 bits are taken modulo a power of ten.
fn truncate(digest: &[u8], length: CodeLength) -> String {
    let offset = digest.last().map_or(0, |last| usize::from(last & 0x0f));
    let bits =
        digest[offset..offset + 4].iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            & 0x7fff_ffff;
    let digits = length.digits();
    format!("{:0digits$}", bits % 10_u32.pow(u32::from(length.0)))
}

/// A code as the mail shows it: decimal digits, leading zeros kept. Exists only while a mail is
/// written or a guess is compared.
pub struct VerificationCode(Zeroizing<String>);

impl VerificationCode {
    /// The digits, for the mail.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares with a guess in constant time.
    pub fn matches(&self, guess: &str) -> bool {
        self.0.as_bytes().ct_eq(guess.as_bytes()).into()
    }
}

impl std::fmt::Debug for VerificationCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VerificationCode(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key() -> CodeKey {
        CodeKey::from_hex("7b1d0c9f4e5a6b2833d7f1a0c4e98275615f0b3ad2c7e48691b0fa3d5c6e7f12")
            .unwrap()
    }

    fn issue(number: u32) -> CodeIssue {
        let id = Uuid::parse_str("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        CodeIssue { user_id: UserId::from_uuid(id), number }
    }

    /// RFC 4226 appendix D: the intermediate HMAC-SHA-1 values and the codes they truncate to.
    #[test]
    fn asvs_6_5_3_truncation_gives_the_codes_of_rfc_4226() {
        let vectors = [
            ("cc93cf18508d94934c64b65d8ba7667fb7cde4b0", "755224"),
            ("75a48a19d4cbe100644e8ac1397eea747a2d33ab", "287082"),
            ("0bacb7fa082fef30782211938bc1c5e70416ff44", "359152"),
            ("66c28227d03a2d5529262ff016a1e6ef76557ece", "969429"),
            ("a904c900a64b35909874b33e61c5938a8e15ed1c", "338314"),
        ];
        for (digest, expected) in vectors {
            let digest = base16ct::lower::decode_vec(digest).unwrap();
            assert_eq!(truncate(&digest, CodeLength::new(6).unwrap()), expected);
        }
    }

    /// Vectors computed independently with Python's `hmac` module; they pin the derivation, since a
    /// change would invalidate every code in flight.
    #[test]
    fn derivation_is_stable() {
        let four = CodeLength::new(4).unwrap();
        let eight = CodeLength::new(8).unwrap();
        assert_eq!(key().derive(issue(1), four).expose(), "7963");
        assert_eq!(key().derive(issue(2), four).expose(), "7001");
        assert_eq!(key().derive(issue(1), eight).expose(), "34777963");
    }

    #[test]
    fn only_the_exact_digits_match() {
        let code = key().derive(issue(1), CodeLength::new(4).unwrap());
        assert!(code.matches(code.expose()));
        for guess in ["", "0", " 7963", "79630"] {
            assert!(!code.matches(guess), "{guess:?}");
        }
    }

    #[test]
    fn asvs_11_5_1_weak_keys_are_refused() {
        let refusal = |text: &str| CodeKey::from_hex(text).unwrap_err();
        assert_eq!(refusal(""), CodeKeyError::TooShort(0));
        assert_eq!(refusal(&"a7".repeat(31)), CodeKeyError::TooShort(248));
        assert_eq!(refusal(&"00".repeat(32)), CodeKeyError::Example);
        assert_eq!(refusal(&"0123456789abcdef".repeat(4)), CodeKeyError::Example);
        let counting = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        assert_eq!(refusal(counting), CodeKeyError::Example);
        assert_eq!(refusal("change-me"), CodeKeyError::NotHexadecimal);
    }

    #[test]
    fn asvs_16_2_5_debug_shows_no_secret() {
        let code = key().derive(issue(1), CodeLength::new(4).unwrap());
        assert!(!format!("{code:?} {:?}", key()).contains(code.expose()));
    }

    #[test]
    fn asvs_6_5_4_length_is_four_to_eight() {
        assert!(CodeLength::new(3).is_err() && CodeLength::new(9).is_err());
    }
}
