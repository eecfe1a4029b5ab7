//! Basic credentials, RFC 7617.
//!
//! Whatever is wrong with them, the answer is the same, and no part of them may be repeated or
//! logged.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{FromRequest, HttpRequest};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use domain::{EmailAddress, Password};
use secrecy::SecretString;

use super::problem::Problem;
use crate::use_cases::Credentials;

/// Padding is optional: some clients leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The credentials of a request, if it has any that are well-formed.
pub(crate) struct BasicAuth(Option<Credentials>);

impl BasicAuth {
    /// The credentials, or the answer to a request without any. An address that cannot be
    /// registered gets the same answer as one that is not.
    pub(crate) fn require(self) -> Result<Credentials, Problem> {
        self.0.ok_or_else(Problem::invalid_credentials)
    }
}

impl FromRequest for BasicAuth {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(parse(request.headers()))))
    }
}

/// The first colon splits; neither part is empty or has control characters. With two headers
/// it would be ambiguous which one counts, so there must be exactly one.
fn parse(headers: &HeaderMap) -> Option<Credentials> {
    let mut values = headers.get_all(AUTHORIZATION);
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
    let (scheme, token) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = decode_text(BASE64.decode(token.trim_start_matches(' ')).ok()?);
    if decoded.chars().any(char::is_control) {
        return None;
    }
    let (address, password) = decoded.split_once(':')?;
    if password.is_empty() {
        return None;
    }
    let password = Password::claimed(SecretString::from(password));
    Some(Credentials { email: EmailAddress::parse(address).ok()?, password })
}

/// UTF-8, as the challenge asks for (RFC 7617 section 2.1), or else ISO-8859-1, in which each byte
/// is the character of its number: many clients know nothing else. Never both, which would make two
/// passwords of one.
fn decode_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    fn parse_value(value: &[u8]) -> Option<Credentials> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(value).ok()?);
        parse(&headers)
    }

    fn parse_pair(pair: &[u8]) -> Option<(String, String)> {
        let credentials = parse_value(format!("Basic {}", STANDARD.encode(pair)).as_bytes())?;
        Some((credentials.email.as_str().to_owned(), credentials.password.expose().to_owned()))
    }

    #[test]
    fn rfc_7617_the_first_colon_splits() {
        assert_eq!(
            parse_pair(b"a@example.com:x:y:").unwrap(),
            ("a@example.com".into(), "x:y:".into())
        );
    }

    #[test]
    fn rfc_7617_credentials_are_utf8_or_else_iso_8859_1() {
        assert_eq!(parse_pair("a@example.com:pässwörd🐎".as_bytes()).unwrap().1, "pässwörd🐎");
        assert_eq!(parse_pair(b"a@example.com:p\xe4ssword").unwrap().1, "pässword");
        let (address, password) = parse_pair(b"a@b\xfccher.example:\xa3 and \xc3\xa4").unwrap();
        assert_eq!((&*address, &*password), ("a@xn--bcher-kva.example", "£ and Ã¤"));
        // Valid UTF-8 is never read as anything else.
        assert_eq!(parse_pair(b"a@example.com:\xc3\xa4").unwrap().1, "ä");
    }

    #[test]
    fn rfc_7617_control_characters_are_refused_after_decoding() {
        for pair in [
            &b"a@example.com:p\xc2\x85ss"[..],
            b"a@example.com:\xe4\x85",
            b"a@example.com:\x80 5 \xff",
            b"a\x7f@example.com:p\xe4",
        ] {
            assert_eq!(parse_pair(pair), None, "{pair:?}");
        }
    }

    #[test]
    fn scheme_and_padding_are_read_leniently() {
        for value in [
            "basic YUBleGFtcGxlLmNvbTpw",
            "BASIC  YUBleGFtcGxlLmNvbTpwdw",
            "Basic YUBleGFtcGxlLmNvbTpwdw==",
        ] {
            assert!(parse_value(value.as_bytes()).is_some(), "{value}");
        }
    }

    #[test]
    fn rfc_7617_anything_else_is_no_credentials() {
        for pair in [
            "",
            ":",
            "a@example.com",
            "a@example.com:",
            ":password",
            "plain:password",
            "a@example.com:p\0",
        ] {
            assert_eq!(parse_pair(pair.as_bytes()), None, "{pair:?}");
        }
        for value in [
            "",
            "Basic",
            "Basic ",
            "Bearer abc",
            "Basic !!!",
            "Basic YQ= =",
            "BasicYUBleGFtcGxlLmNvbTpw",
        ] {
            assert!(parse_value(value.as_bytes()).is_none(), "{value:?}");
        }
    }

    #[test]
    fn a_second_header_is_refused() {
        let mut headers = HeaderMap::new();
        for _ in 0..2 {
            headers.append(AUTHORIZATION, HeaderValue::from_static("Basic YUBleGFtcGxlLmNvbTpw"));
        }
        assert!(parse(&headers).is_none());
    }

    proptest! {
        // At least 2,000 cases; `PROPTEST_CASES` asks for more.
        #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2_000)))]

        #[test]
        fn fuzz_no_basic_header_makes_it_panic(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_value(&value);
            let _ = parse_value(&[b"Basic ", &value[..]].concat());
        }

        #[test]
        fn fuzz_basic_credentials_are_what_was_encoded(
            address in "[a-z]{1,8}@[a-z]{1,8}\\.com|\\PC{0,20}",
            rest in proptest::collection::vec(any::<u8>(), 0..60),
            colon in any::<bool>(),
        ) {
            let pair = [address.as_bytes(), if colon { b":" } else { b"" }, &rest].concat();
            if let Some((_, password)) = parse_pair(&pair) {
                let text = decode_text(pair);
                let sent = text.split_once(':').unwrap().1;
                let sent_password = Password::claimed(sent.into());
                prop_assert_eq!(sent_password.expose(), &password);
                prop_assert!(!sent.is_empty() && !text.chars().any(char::is_control));
            }
        }

        #[test]
        fn fuzz_broken_base64_is_no_basic_credentials(
            pair in "[a-z]{1,8}@[a-z]{1,8}\\.com:\\PC{1,20}",
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut token = STANDARD.encode(&pair).into_bytes();
            let at = at.index(token.len());
            token[at] = byte;
            let read = parse_value(&[b"Basic ", &token[..]].concat());
            if !byte.is_ascii_alphanumeric() && !b"+/= \t".contains(&byte) {
                prop_assert!(read.is_none(), "{:?}", byte as char);
            }
        }

        #[test]
        fn asvs_6_2_8_fuzz_basic_passwords_arrive_exactly(password in "\\PC{1,80}") {
            prop_assume!(!password.chars().any(char::is_control));
            let pair = format!("a@example.com:{password}");
            let arrived = parse_value(format!("Basic {}", STANDARD.encode(pair)).as_bytes()).unwrap().password;
            let received = arrived.as_received().unwrap_or(arrived);
            prop_assert_eq!(received.expose(), password);
        }
    }
}
