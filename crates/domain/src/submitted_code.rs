//! A code as people type and paste it: `12 34`, `12-34`, `１２３４`.

use std::ops::RangeInclusive;

use zeroize::Zeroizing;

use crate::code::CodeLength;

/// What a person has entered as the code, reduced to its digits.
pub struct SubmittedCode(Zeroizing<String>);

/// Something other than digits and separators was entered. The text is not repeated: it may be
/// close to the code.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a code consists of digits, and spaces or hyphens between them")]
pub struct SubmittedCodeError;

impl SubmittedCode {
    /// The characters that are passed over, wherever they are: spaces and line breaks, hyphens and
    /// dashes, minus signs.
    pub const SEPARATORS: &[RangeInclusive<char>] = &[
        '\u{9}'..='\u{d}',
        ' '..=' ',
        '-'..='-',
        '\u{a0}'..='\u{a0}',
        '\u{2000}'..='\u{200a}',
        '\u{2010}'..='\u{2015}',
        '\u{202f}'..='\u{202f}',
        '\u{2212}'..='\u{2212}',
        '\u{3000}'..='\u{3000}',
        '\u{ff0d}'..='\u{ff0d}',
    ];

    /// The digits: ASCII, and the full-width ones of East Asian keyboards.
    pub const DIGITS: [RangeInclusive<char>; 2] = ['0'..='9', '\u{ff10}'..='\u{ff19}'];

    /// Reads what a person has entered.
    ///
    /// ```
    /// use domain::SubmittedCode;
    ///
    /// for text in ["0427", "04 27", "04-27", " 0427\n", "０４２７"] {
    ///     assert_eq!(SubmittedCode::parse(text)?.digits(), "0427");
    /// }
    /// assert!(SubmittedCode::parse("04.27").is_err());
    /// # Ok::<(), domain::SubmittedCodeError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, SubmittedCodeError> {
        let mut digits = Zeroizing::new(String::with_capacity(text.len()));
        for character in text.chars() {
            match read_digit(character) {
                Some(digit) => digits.push(digit),
                None if is_in(Self::SEPARATORS, character) => {}
                None => return Err(SubmittedCodeError),
            }
        }
        Ok(Self(digits))
    }

    /// The digits in ASCII.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// Whether it has as many digits as codes of this length.
    pub fn has_length(&self, length: CodeLength) -> bool {
        self.0.len() == length.digits()
    }
}

impl std::fmt::Debug for SubmittedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubmittedCode(redacted)")
    }
}

/// The ASCII digit that a character stands for.
fn read_digit(character: char) -> Option<char> {
    let range = SubmittedCode::DIGITS.iter().find(|range| range.contains(&character))?;
    char::from_digit(u32::from(character) - u32::from(*range.start()), 10)
}

fn is_in(ranges: &[RangeInclusive<char>], character: char) -> bool {
    ranges.iter().any(|range| range.contains(&character))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digits(text: &str) -> Option<String> {
        SubmittedCode::parse(text).ok().map(|code| code.digits().to_owned())
    }

    #[test]
    fn separators_are_passed_over_and_digits_become_ascii() {
        for text in [
            "1234",
            "12 34",
            "12-34",
            " 1-2-3-4 ",
            "12\u{a0}34",
            "12\u{2011}34",
            "12\u{3000}34",
            "12\u{2013}34",
            "１２３４",
            "１２－３４",
            "1２3４",
            "\t1234\r\n",
        ] {
            assert_eq!(digits(text).as_deref(), Some("1234"), "{text:?}");
        }
        for text in ["", " ", "---"] {
            assert_eq!(digits(text).as_deref(), Some(""), "{text:?}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in ["12a4", "12.34", "١٢٣٤", "१२३४", "1234\0", "①②③④", "+1234", "1_234", "Ⅳ123"]
        {
            assert_eq!(digits(text), None, "{text:?}");
        }
    }

    #[test]
    fn asvs_16_2_5_debug_does_not_show_what_was_entered() {
        let code = SubmittedCode::parse("12 34").unwrap();
        assert!(!format!("{code:?}").contains("12"));
    }

    fn separator() -> impl Strategy<Value = char> {
        proptest::char::ranges(SubmittedCode::SEPARATORS.into())
    }

    proptest! {
        #[test]
        fn fuzz_no_text_makes_it_panic_and_what_is_read_is_ascii(text in "\\PC{0,40}|[0-9０-９ -]{0,12}") {
            if let Some(digits) = digits(&text) {
                prop_assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
                prop_assert_eq!(super::tests::digits(&digits), Some(digits));
            }
        }

        #[test]
        fn fuzz_separators_change_nothing(
            code in "[0-9]{4,8}",
            separators in proptest::collection::vec((any::<prop::sample::Index>(), separator()), 0..6),
        ) {
            let mut text: Vec<char> = code.chars().collect();
            for (at, separator) in separators {
                text.insert(at.index(text.len() + 1), separator);
            }
            prop_assert_eq!(digits(&text.into_iter().collect::<String>()), Some(code));
        }
    }
}
