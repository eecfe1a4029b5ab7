//! Passwords as the user chose them, and their hashes.

use icu_normalizer::ComposingNormalizerBorrowed;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// A password in the one form in which it is hashed, wiped from memory when dropped.
///
/// The same text reaches us in different forms: a Mac may decompose `ä` into two characters, and a
/// keyboard may put a no-break space for a space. So both a new and a claimed password are
/// normalised as RFC 8265 section 4.2.2 says: spaces to U+0020, then NFC. Nothing else is changed.
#[derive(Clone)]
pub struct Password {
    text: SecretString,
    /// What was received, where normalisation changed it.
    received: Option<SecretString>,
}

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
    #[error(
        "a password has no control characters, since it could not be sent with Basic authentication"
    )]
    ControlCharacter,
}

impl Password {
    /// Accepts a password of permitted length, counted after normalisation. Nothing is trimmed,
    /// folded or truncated, and there are no composition rules.
    ///
    /// ```
    /// use domain::{Password, PasswordError, PasswordLength};
    ///
    /// let length = PasswordLength { min: 8, max: 128 };
    /// let password = Password::new(" correct horse ".into(), length)?;
    /// assert_eq!(password.expose(), " correct horse ");
    /// // Decomposed and with a no-break space, it is the same password.
    /// let decomposed = Password::new("pa\u{308}ssword\u{a0}1".into(), length)?;
    /// assert_eq!(decomposed.expose(), "pässword 1");
    /// assert_eq!(format!("{password:?}"), "Password(redacted)");
    /// assert_eq!(Password::new("horse".into(), length).unwrap_err(), PasswordError::TooShort(8));
    /// # Ok::<(), PasswordError>(())
    /// ```
    pub fn new(text: SecretString, length: PasswordLength) -> Result<Self, PasswordError> {
        // A character has at most four bytes, and at most three times as many when it is
        // decomposed: a text of a megabyte need not be normalised.
        if text.expose_secret().len() > 12 * length.max {
            return Err(PasswordError::TooLong(length.max));
        }
        let text = normalise(&text).unwrap_or(text);
        let exposed = text.expose_secret();
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
        Ok(Self { text, received: None })
    }

    /// A password to be verified, whatever the rules for new passwords are.
    pub fn claimed(text: SecretString) -> Self {
        match normalise(&text) {
            Some(normalised) => Self { text: normalised, received: Some(text) },
            None => Self { text, received: None },
        }
    }

    /// A claimed password as it was received, if normalisation changed it. Earlier versions hashed
    /// passwords in this form.
    pub fn as_received(&self) -> Option<Self> {
        self.received.clone().map(|text| Self { text, received: None })
    }

    /// The bytes that are hashed: the UTF-8 of the text.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

/// The normalised text, unless it is normalised already.
fn normalise(text: &SecretString) -> Option<SecretString> {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    let exposed = text.expose_secret();
    if nfc.is_normalized(exposed) && !exposed.contains(is_non_ascii_space) {
        return None;
    }
    // Large enough for any result (Unicode Standard Annex #15: NFC has at most three times the
    // bytes), so that no copy is left behind when it grows.
    let mut normalised = Zeroizing::new(String::with_capacity(3 * exposed.len()));
    let spaced = exposed.chars().map(|c| if is_non_ascii_space(c) { ' ' } else { c });
    normalised.extend(nfc.normalize_iter(spaced));
    Some(SecretString::from(normalised.as_str()))
}

/// General category Zs without U+0020.
fn is_non_ascii_space(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
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
        // Counted after normalisation: three characters in, one counts.
        assert_eq!(check(&"u\u{308}\u{304}".repeat(7)), Err(PasswordError::TooShort(8)));
        assert_eq!(check(&"u\u{308}\u{304}".repeat(128)), Ok(()));
    }

    #[test]
    fn a_password_is_the_same_in_every_unicode_form() {
        let forms = [
            ("Ångström e\u{301}", "Ångström é"),
            ("A\u{30a}ngstro\u{308}m é", "Ångström é"),
            ("\u{212b}ngström é", "Ångström é"),
            ("q\u{323}\u{307} dots above", "q\u{323}\u{307} dots above"),
            ("q\u{307}\u{323} dots above", "q\u{323}\u{307} dots above"),
            ("\u{1112}\u{1161}\u{11ab}글 비밀번호 8", "한글 비밀번호 8"),
            ("no-break\u{a0}space", "no-break space"),
            ("全角\u{3000}スペース付き", "全角 スペース付き"),
            ("\u{2003}em\u{2009}thin \u{202f}", " em thin  "),
        ];
        for (text, expected) in forms {
            let password = Password::new(SecretString::from(text), LENGTH).unwrap();
            assert_eq!(password.expose(), expected);
            let claimed = Password::claimed(SecretString::from(text));
            assert_eq!(claimed.expose(), expected);
            let received = claimed.as_received().map(|password| password.expose().to_owned());
            assert_eq!(received.as_deref(), (text != expected).then_some(text));
        }
    }

    #[test]
    fn asvs_6_2_8_what_is_only_similar_stays_different() {
        // Compatibility characters, cases, controls of joining and white space are kept.
        for text in [
            "ﬁne ligature",
            "full ｗｉｄｔｈ",
            "Straße or STRASSE",
            "  two  spaces ",
            "zero\u{200b}width",
            "👩\u{200d}🚀👩🚀 1234",
        ] {
            let password = Password::new(SecretString::from(text), LENGTH).unwrap();
            assert_eq!(password.expose(), text);
        }
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
        fn asvs_6_2_8_any_normalised_text_of_fitting_length_is_kept_exactly(text in "\\PC{8,128}") {
            let normalised = Password::claimed(SecretString::from(text)).expose().to_owned();
            prop_assume!((8..=128).contains(&normalised.chars().count()));
            let password = Password::new(SecretString::from(normalised.as_str()), LENGTH).unwrap();
            prop_assert_eq!(password.expose(), &normalised);
            prop_assert!(Password::claimed(SecretString::from(normalised)).as_received().is_none());
        }

        #[test]
        fn fuzz_normalisation_needs_no_more_room_than_it_is_given(text in "\\PC{0,60}|[\u{300}-\u{36f}\u{1100}-\u{11ff}\u{1d15e}-\u{1d164}a-zÅ]{0,60}") {
            let claimed = Password::claimed(SecretString::from(text.as_str()));
            prop_assert!(claimed.expose().len() <= 3 * text.len());
            prop_assert!(text.len() <= 3 * claimed.expose().len());
        }
    }
}
