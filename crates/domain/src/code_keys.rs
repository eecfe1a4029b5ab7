//! Several keys side by side, so that key and length can be changed while codes are under way.

use std::fmt;
use std::str::FromStr;

use crate::code::{CodeIssue, CodeKey, CodeKeyId, CodeLength, VerificationCode};

/// How one code was derived: with which key, and to how many digits. Recorded beside its window, so
/// that a guess is compared with one code only, whatever keys and lengths are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derivation {
    key: CodeKeyId,
    length: CodeLength,
}

/// Not a recorded derivation.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not the derivation of a code")]
pub struct DerivationError;

/// The code was derived with a key that is not at hand.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "the code was derived with the key {0}, which is neither the present key nor a previous one"
)]
pub struct UnknownCodeKey(CodeKeyId);

/// The key for new codes, and those that other codes under way may have been derived with.
#[derive(Debug)]
pub struct CodeKeys {
    present: CodeKey,
    previous: Vec<CodeKey>,
}

impl CodeKeys {
    /// Derives new codes with `present`, and knows those of `previous` too.
    pub fn new(present: CodeKey, previous: Vec<CodeKey>) -> Self {
        Self { present, previous }
    }

    /// How a new code of this length is derived.
    pub fn derivation(&self, length: CodeLength) -> Derivation {
        Derivation { key: self.present.id(), length }
    }

    /// Derives the code of one issue as it was derived first.
    ///
    /// ```
    /// use domain::{CodeIssue, CodeKey, CodeKeys, CodeLength, UserId};
    /// use uuid::Uuid;
    ///
    /// let old = || CodeKey::from_hex("7b1d0c9f4e5a6b2833d7f1a0c4e98275615f0b3ad2c7e48691b0fa3d5c6e7f12");
    /// let new = || CodeKey::from_hex("0d9c3b7aa1f25e8846b7d0c3925e1f7a88d46c0b3fe1975a2dc6084be3f1a975");
    /// let issue = CodeIssue { user_id: UserId::from_uuid(Uuid::nil()), number: 1 };
    /// // A worker derived the code before the key was changed, and recorded how.
    /// let worker = CodeKeys::new(old()?, Vec::new());
    /// let recorded = worker.derivation(CodeLength::new(4)?);
    /// let code = worker.derive(issue, recorded)?;
    /// let api = CodeKeys::new(new()?, vec![old()?]);
    /// assert!(api.derive(issue, recorded)?.matches(code.expose()));
    /// assert!(CodeKeys::new(new()?, Vec::new()).derive(issue, recorded).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn derive(
        &self,
        issue: CodeIssue,
        derivation: Derivation,
    ) -> Result<VerificationCode, UnknownCodeKey> {
        let mut keys = std::iter::once(&self.present).chain(&self.previous);
        let key =
            keys.find(|key| key.id() == derivation.key).ok_or(UnknownCodeKey(derivation.key))?;
        Ok(key.derive(issue, derivation.length))
    }
}

impl CodeKeys {
    /// Authenticates a message with the present key.
    pub(crate) fn sign(&self, context: &[u8], message: &[u8]) -> [u8; 32] {
        self.present.sign(context, message)
    }

    /// What the message is authenticated with under each key.
    pub(crate) fn sign_with_each(
        &self,
        context: &[u8],
        message: &[u8],
    ) -> impl Iterator<Item = [u8; 32]> {
        std::iter::once(&self.present)
            .chain(&self.previous)
            .map(move |key| key.sign(context, message))
    }
}

/// As a code store keeps it: `5f3a9c01/4`.
impl fmt::Display for Derivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.key, self.length.digits())
    }
}

impl FromStr for Derivation {
    type Err = DerivationError;

    fn from_str(text: &str) -> Result<Self, DerivationError> {
        let (key, digits) = text.split_once('/').ok_or(DerivationError)?;
        let digits = digits.parse().map_err(|_| DerivationError)?;
        Ok(Self {
            key: CodeKeyId::from_hex(key).ok_or(DerivationError)?,
            length: CodeLength::new(digits).map_err(|_| DerivationError)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(last_byte: &str) -> CodeKey {
        let rest = "7b1d0c9f4e5a6b2833d7f1a0c4e98275615f0b3ad2c7e48691b0fa3d5c6e7f";
        CodeKey::from_hex(&format!("{rest}{last_byte}")).unwrap()
    }

    /// Computed independently with Python's `hmac` module: processes of any version must name a key
    /// alike.
    #[test]
    fn a_derivation_is_written_in_a_stable_form() {
        let keys = CodeKeys::new(key("12"), vec![key("13")]);
        let written = keys.derivation(CodeLength::new(6).unwrap()).to_string();
        assert_eq!(written, "e6d87989/6");
        assert_eq!(written.parse(), Ok(keys.derivation(CodeLength::new(6).unwrap())));
    }

    #[test]
    fn anything_else_is_not_a_derivation() {
        for text in [
            "",
            "/",
            "5f3a9c01",
            "5f3a9c01/3",
            "5f3a9c01/x",
            "5f3a9c0/4",
            "5f3a9c011/4",
            "+f3a9c01/4",
            "5F3A9C01/4",
        ] {
            assert_eq!(text.parse::<Derivation>(), Err(DerivationError), "{text}");
        }
    }
}
