//! E-mail addresses that this service accepts: deliverable by plain SMTP and safe in a header.

use std::borrow::Cow;

use email_address::Options;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// A valid address: trimmed of spaces, the domain in lower case and ASCII (IDNA), the local part as
/// the user wrote it.
///
/// Addresses that differ only in case belong to the same account: see [`EmailAddress::lookup_key`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// Why a text is not an address that can be registered.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum EmailAddressError {
    /// Only white space.
    #[error("an e-mail address is required")]
    Empty,
    /// RFC 5321 section 4.5.3.1: 64 octets before the `@`, 254 in all.
    #[error("an e-mail address has at most 64 characters before the @ and 254 in all")]
    TooLong,
    /// The part before the `@` needs an SMTP extension that few servers have (RFC 6531).
    #[error("only ASCII characters are supported before the @")]
    LocalPartNotAscii,
    /// Anything else that is not of the form `name@domain`.
    #[error("this is not an e-mail address of the form name@example.com")]
    Malformed,
}

impl EmailAddress {
    /// RFC 5321 section 4.5.3.1.3 and erratum 1690: a path of 256 octets less its angle brackets.
    pub const MAX_LENGTH: usize = 254;

    /// Validates and normalises an address. Refuses quoted local parts, domain literals, IP
    /// addresses and domains of one label: nobody signs up with them, and the first two invite
    /// injection.
    ///
    /// ```
    /// use domain::{EmailAddress, EmailAddressError};
    ///
    /// let address = EmailAddress::parse(" Ada@Bücher.example")?;
    /// assert_eq!(address.as_str(), "Ada@xn--bcher-kva.example");
    /// // Case does not make another account.
    /// assert_eq!(address.lookup_key(), EmailAddress::parse("ADA@BÜCHER.EXAMPLE")?.lookup_key());
    /// assert_eq!(EmailAddress::parse("ada@localhost"), Err(EmailAddressError::Malformed));
    /// # Ok::<(), EmailAddressError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, EmailAddressError> {
        let text = text.trim_matches(is_blank);
        if text.is_empty() {
            return Err(EmailAddressError::Empty);
        }
        // Bounds the work below; IDNA can only shorten a name by dropping its few ignored
        // characters.
        if text.len() > 4 * Self::MAX_LENGTH {
            return Err(EmailAddressError::TooLong);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailAddressError::Malformed)?;
        if !local.is_ascii() {
            return Err(EmailAddressError::LocalPartNotAscii);
        }
        if local.contains('"') {
            return Err(EmailAddressError::Malformed);
        }
        let domain = to_ascii_domain(domain).ok_or(EmailAddressError::Malformed)?;
        if ends_in_number(&domain) {
            return Err(EmailAddressError::Malformed);
        }
        if local.len() > 64 || local.len() + 1 + domain.len() > Self::MAX_LENGTH {
            return Err(EmailAddressError::TooLong);
        }
        let address = format!("{local}@{domain}");
        let options =
            Options::default().with_required_tld().without_domain_literal().without_display_text();
        email_address::EmailAddress::parse_with_options(&address, options)
            .map_err(|_| EmailAddressError::Malformed)?;
        Ok(Self(address))
    }

    /// An address as a store has kept it since it was accepted. It is not checked again: a stricter
    /// version must not lose accounts that an earlier one has made.
    pub fn from_stored(address: String) -> Self {
        Self(address)
    }

    /// The address to send mail to.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What identifies the account: the address in lower case.
    pub fn lookup_key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// What identifies the mailbox that mails arrive in, for counting them: the lookup key without
    /// a tag (`ada+shop@`, RFC 5233), and at Gmail without dots. Accounts are told apart by
    /// [`Self::lookup_key`] alone.
    ///
    /// ```
    /// # use domain::EmailAddress;
    /// let mailbox = |text| EmailAddress::parse(text).unwrap().mailbox();
    /// assert_eq!(mailbox("Ada+Shop@example.com"), "ada@example.com");
    /// assert_eq!(mailbox("a.da+1@googlemail.com"), "ada@gmail.com");
    /// ```
    pub fn mailbox(&self) -> String {
        let key = self.lookup_key();
        let (local, domain) = key.rsplit_once('@').unwrap_or((&key, ""));
        let user = match local.split_once('+') {
            Some((user, _)) if !user.is_empty() => user,
            _ => local,
        };
        match domain {
            "gmail.com" | "googlemail.com" => format!("{}@gmail.com", user.replace('.', "")),
            _ => format!("{user}@{domain}"),
        }
    }

    /// The part before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// The part after the `@`, lower case, ASCII.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// For logs: enough to recognise a known address, too little to send mail to it.
    pub fn masked(&self) -> String {
        let first = self.local_part().chars().next().unwrap_or('*');
        format!("{first}***@{}", self.domain())
    }
}

impl std::fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.masked())
    }
}

/// A domain in lower case and ASCII (IDNA), if it can be written so.
pub(crate) fn to_ascii_domain(domain: &str) -> Option<Cow<'_, str>> {
    Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Ignore,
        )
        .ok()
}

/// What a clipboard or a keyboard leaves around an address without anybody seeing it: spaces of all
/// kinds, and characters without width (byte order mark, zero-width space, word joiner).
fn is_blank(c: char) -> bool {
    c == '\t'
        || c.is_whitespace() && !c.is_control()
        || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}')
}

/// Whether the last label is a number as parsers of IPv4 addresses understand it, decimal or
/// hexadecimal. No top-level domain is one (RFC 3696 section 2), and mail to `a@127.0.0.1` may
/// never leave the mail server.
fn ends_in_number(domain: &str) -> bool {
    let last = domain.rsplit('.').next().unwrap_or(domain);
    let has_only = |digits: &str, radix| digits.chars().all(|c| c.is_digit(radix));
    has_only(last, 10) || last.strip_prefix("0x").is_some_and(|digits| has_only(digits, 16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn common_forms_are_accepted_and_normalised() {
        let cases = [
            ("  Ada@Example.COM\t", "Ada@example.com"),
            ("o'brien@example.com", "o'brien@example.com"),
            ("a!b+tag@example.co.uk", "a!b+tag@example.co.uk"),
            ("info@bücher.example", "info@xn--bcher-kva.example"),
            ("info@BÜCHER.example", "info@xn--bcher-kva.example"),
            ("x@例え.テスト", "x@xn--r8jz45g.xn--zckzah"),
            ("\u{a0}ada@example.com\u{3000}", "ada@example.com"),
            ("\u{feff}ada@example.com\u{200b}", "ada@example.com"),
            ("\u{2003}ada@example.com\u{2060} \u{202f}", "ada@example.com"),
            ("ada@163.example", "ada@163.example"),
            ("ada@1.2.3.4.example", "ada@1.2.3.4.example"),
            ("ada@example.0xyz", "ada@example.0xyz"),
        ];
        for (text, expected) in cases {
            assert_eq!(EmailAddress::parse(text).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn what_was_accepted_once_is_kept_whatever_is_refused_today() {
        let refused = "a@localhost";
        EmailAddress::parse(refused).unwrap_err();
        let stored = EmailAddress::from_stored(refused.to_owned());
        assert_eq!(
            (stored.as_str(), stored.local_part(), stored.domain()),
            (refused, "a", "localhost")
        );
        assert_eq!(EmailAddress::from_stored("ada".into()).domain(), "");
    }

    #[test]
    fn case_does_not_make_another_account() {
        let key = |text| EmailAddress::parse(text).unwrap().lookup_key();
        assert_eq!(key("Ada.L@Example.com"), key("ada.l@EXAMPLE.COM"));
    }

    #[test]
    fn tags_and_the_dots_of_gmail_do_not_make_another_mailbox() {
        let mailbox = |text| EmailAddress::parse(text).unwrap().mailbox();
        for text in
            ["ada@example.com", "ADA@example.com", "ada+1@example.com", "ada+1+2@Example.com"]
        {
            assert_eq!(mailbox(text), "ada@example.com", "{text}");
        }
        for text in [
            "a.da.l@gmail.com",
            "AdaL+x.y@gmail.com",
            "adal@googlemail.com",
            "a.dal@GoogleMail.com",
        ] {
            assert_eq!(mailbox(text), "adal@gmail.com", "{text}");
        }
        assert_eq!(mailbox("a.da@example.com"), "a.da@example.com");
        assert_eq!(mailbox("+1@example.com"), "+1@example.com");
        assert_ne!(mailbox("ada@gmail.com"), mailbox("ada@gmail.com.example.com"));
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        use EmailAddressError::{Empty, LocalPartNotAscii, Malformed, TooLong};
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_domain = format!("a@{}.com", ["b".repeat(60).as_str(); 5].join("."));
        let huge = format!("{}@example.com", "a".repeat(1_000_000));
        let cases = [
            ("", Empty),
            (" \t ", Empty),
            ("plain", Malformed),
            ("@example.com", Malformed),
            ("a@", Malformed),
            ("a@b@example.com", Malformed),
            ("a b@example.com", Malformed),
            ("a..b@example.com", Malformed),
            (".a@example.com", Malformed),
            ("a@localhost", Malformed),
            ("a@example.com.", Malformed),
            ("a@-example.com", Malformed),
            ("a@[127.0.0.1]", Malformed),
            ("a@127.0.0.1", Malformed),
            ("1@1.1", Malformed),
            ("a@0x7f.1", Malformed),
            ("a@example.0X7F", Malformed),
            ("a@example.0x", Malformed),
            ("a@127.0.0.１", Malformed),
            ("\u{3000}\u{feff}", Empty),
            ("a\u{a0}b@example.com", LocalPartNotAscii),
            ("a@example.com\n", Malformed),
            ("\"a b\"@example.com", Malformed),
            ("Ada <ada@example.com>", Malformed),
            ("a@example.com\r\nBcc: b@example.com", Malformed),
            ("a\r\n@example.com", Malformed),
            ("a\0@example.com", Malformed),
            ("a@exam\0ple.com", Malformed),
            ("a@example.com,b@example.com", Malformed),
            ("müller@example.com", LocalPartNotAscii),
            (&long_local, TooLong),
            (&long_domain, TooLong),
            (&huge, TooLong),
        ];
        for (text, expected) in cases {
            assert_eq!(EmailAddress::parse(text), Err(expected), "{text:.60?}");
        }
    }

    #[test]
    fn asvs_16_2_5_logs_do_not_show_the_address() {
        let address = EmailAddress::parse("grace.hopper@example.com").unwrap();
        assert_eq!(format!("{address:?}"), "g***@example.com");
    }

    /// At least 2,000 cases; `PROPTEST_CASES` asks for more.
    fn thorough() -> ProptestConfig {
        ProptestConfig::with_cases(ProptestConfig::default().cases.max(2_000))
    }

    /// An address that is or could be valid, with characters replaced, inserted and removed.
    fn mutated() -> impl Strategy<Value = String> {
        let address = "[a-z.+]{1,10}@([a-zü-]{1,8}\\.){1,3}[a-z]{2,3}";
        let character = prop_oneof![
            any::<char>(),
            "[@.:<>,;\"\\\\\r\n\0 \t\u{202e}\u{200b}。]"
                .prop_map(|text| { text.chars().next().unwrap() })
        ];
        let edits =
            proptest::collection::vec((any::<prop::sample::Index>(), 0..3, character), 0..4);
        (address, edits).prop_map(|(address, edits)| {
            let mut characters: Vec<char> = address.chars().collect();
            for (at, edit, character) in edits {
                let at = at.index(characters.len());
                match edit {
                    0 => characters[at] = character,
                    1 => characters.insert(at, character),
                    _ => drop(
                        characters.splice(at..=at, characters.len().eq(&1).then_some(character)),
                    ),
                }
            }
            characters.into_iter().collect()
        })
    }

    proptest! {
        #![proptest_config(thorough())]

        #[test]
        fn fuzz_address_parsing_never_panics_and_is_idempotent(
            text in prop_oneof![any::<String>(), "\\PC{0,80}|[a-z.\"@\\\\\r\n\0 ]{0,40}", mutated()]
        ) {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert_eq!(EmailAddress::parse(address.as_str()), Ok(address.clone()));
            }
        }

        #[test]
        fn asvs_1_3_11_fuzz_what_is_accepted_fits_a_header_and_a_command(
            text in prop_oneof![
                mutated(),
                (any::<String>(), "[a-z]{1,8}\\.(com|bücher)").prop_map(|(local, domain)| format!("{local}@{domain}")),
            ]
        ) {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert!(address.as_str().len() <= EmailAddress::MAX_LENGTH);
                prop_assert!(address.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(!address.as_str().contains(['<', '>', ',', '"']));
                prop_assert_eq!(address.as_str().matches('@').count(), 1);
            }
        }
    }
}
