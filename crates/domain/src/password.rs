//! Passwords as the user chose them, and their hashes.

use secrecy::{ExposeSecret, SecretString};

/// A password: used exactly as received, wiped from memory when dropped.
#[derive(Clone)]
pub struct Password(SecretString);

/// The number of characters (Unicode scalar values) a password may have (OWASP ASVS 6.2.1, 6.2.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordLength {
    /// The fewest characters, 8 by default.
    pub min: usize,
    /// The most characters, 128 by default; bounds the input of the hash.
    pub max: usize,
}

/// Why a password is refused. The messages never contain it.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum PasswordError {
    /// Fewer characters than the minimum.
    #[error("a password has at least {0} characters")]
    TooShort(usize),
    /// More characters than the maximum.
    #[error("a password has at most {0} characters")]
    TooLong(usize),
    /// RFC 7617 section 2 forbids control characters in Basic credentials, so such a password could
    /// be registered but never used.
    #[error("a password has no control characters, since it could not be sent with Basic authentication")]
    ControlCharacter,
}

impl Password {
    /// Accepts a password of permitted length. Nothing is trimmed, folded or truncated, and there are
    /// no composition rules.
    ///
    /// ```
    /// use domain::{Password, PasswordError, PasswordLength};
    ///
    /// let length = PasswordLength { min: 8, max: 128 };
    /// let password = Password::new(" correct horse ".into(), length)?;
    /// assert_eq!(password.expose(), " correct horse ");
    /// assert_eq!(format!("{password:?}"), "Password(redacted)");
    /// assert_eq!(Password::new("horse".into(), length).unwrap_err(), PasswordError::TooShort(8));
    /// # Ok::<(), PasswordError>(())
    /// ```
    pub fn new(text: SecretString, length: PasswordLength) -> Result<Self, PasswordError> {
        let exposed = text.expose_secret();
        // No character has more than four bytes, so the characters of a huge text need not be
        // counted.
        if exposed.len() > 4 * length.max {
            return Err(PasswordError::TooLong(length.max));
        }
        let characters = exposed.chars().count();
        if characters < length.min {
            return Err(PasswordError::TooShort(length.min));
        }
        if characters > length.max {
            return Err(PasswordError::TooLong(length.max));
        }
        if exposed.chars().any(char::is_control) {
            return Err(PasswordError::ControlCharacter);
        }
        Ok(Self(text))
    }

    /// A password to be verified: used as received, whatever the rules for new passwords are.
    pub fn claimed(text: SecretString) -> Self {
        Self(text)
    }

    /// The bytes that are hashed: the UTF-8 of the text.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// A password hash in PHC string format, e.g. `$argon2id$v=19$m=19456,t=2,p=1$…`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps a PHC string, which only the hasher interprets.
    pub fn from_phc(text: String) -> Self {
        Self(text)
    }

    /// The PHC string, for the store and the hasher.
    pub fn as_phc(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LENGTH: PasswordLength = PasswordLength { min: 8, max: 128 };

    fn check(text: &str) -> Result<(), PasswordError> {
        Password::new(SecretString::from(text), LENGTH).map(drop)
    }

    #[test]
    fn asvs_6_2_1_length_is_counted_in_characters() {
        assert_eq!(check("1234567"), Err(PasswordError::TooShort(8)));
        assert_eq!(check(&"ä".repeat(7)), Err(PasswordError::TooShort(8)));
        assert_eq!(check(&"ä".repeat(8)), Ok(()));
        assert_eq!(check(&"a".repeat(129)), Err(PasswordError::TooLong(128)));
        assert_eq!(check(&"a".repeat(1_000_000)), Err(PasswordError::TooLong(128)));
    }

    #[test]
    fn asvs_6_2_9_passwords_may_be_long() {
        assert_eq!(check(&"ä".repeat(64)), Ok(()));
        assert_eq!(check(&"🐎".repeat(128)), Ok(()));
    }

    #[test]
    fn what_basic_authentication_cannot_carry_is_refused() {
        for text in ["pass\0word1", "pass\r\nword", "password\u{7f}", "password\u{85}"] {
            assert_eq!(check(text), Err(PasswordError::ControlCharacter));
        }
    }

    proptest! {
        #[test]
        fn asvs_6_2_8_any_printable_text_of_fitting_length_is_kept_exactly(text in "\\PC{8,128}") {
            prop_assume!(!text.chars().any(char::is_control));
            let password = Password::new(SecretString::from(text.as_str()), LENGTH).unwrap();
            prop_assert_eq!(password.expose(), text);
        }
    }
}
