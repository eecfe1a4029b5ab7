//! Which languages the client's user reads (RFC 9110 section 12.5.4). What cannot be understood of
//! the header is passed over: a text in another language is better than none.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, Header, Preference, Quality};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use domain::{LanguageTag, Languages};

/// The languages of `Accept-Language`, the best first; empty without the header.
pub(crate) struct AcceptLanguage(pub(crate) Languages);

impl FromRequest for AcceptLanguage {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(wanted_languages(request))))
    }
}

/// `*` stands for no language in particular, and what has a weight of 0 is not wanted.
pub(crate) fn wanted_languages(request: &impl HttpMessage) -> Languages {
    let Ok(mut header) = header::AcceptLanguage::parse(request) else {
        return Languages::default();
    };
    header.0.retain(|range| range.quality > Quality::ZERO);
    Languages::new(header.ranked().into_iter().filter_map(|range| match range {
        Preference::Specific(tag) => LanguageTag::parse(tag.as_str()).ok(),
        Preference::Any => None,
    }))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    fn wanted(header: &[u8]) -> String {
        let value = header::HeaderValue::from_bytes(header).unwrap();
        let request = TestRequest::default().insert_header((header::ACCEPT_LANGUAGE, value));
        wanted_languages(&request.to_http_request()).to_string()
    }

    #[test]
    fn rfc_9110_the_weights_order_the_languages() {
        for (header, languages) in [
            ("fr", "fr"),
            ("en;q=0.5, fr-ca, de;q=0.8", "fr-CA,de,en"),
            ("da, en-gb;q=0.8, en;q=0.7", "da,en-GB,en"),
            ("fr;q=0, en, *;q=0.1", "en"),
            ("*", ""),
            ("", ""),
            ("fr;q=nonsense, en", "en"),
            ("fran%C3%A7ais, fr_CA, <script>, de", "de"),
        ] {
            assert_eq!(wanted(header.as_bytes()), languages, "{header}");
        }
        assert_eq!(wanted(b"fr, \xff\xfe"), "");
        assert!(wanted_languages(&TestRequest::default().to_http_request()).is_empty());
    }

    proptest! {
        #[test]
        fn fuzz_no_accept_language_header_makes_it_panic(header in "[ -~]{0,200}") {
            wanted(header.as_bytes());
        }

        #[test]
        fn fuzz_headers_like_accept_language_do_not_make_it_panic(
            header in "([a-zA-Z*]{0,9}(-[a-zA-Z0-9]{0,9}){0,4} ?(;q=[0-9.]{0,6})?,? ?){0,9}"
        ) {
            wanted(header.as_bytes());
        }
    }
}
