//! Refuses clients that do not accept the format of the answer: 406 (RFC 9110 section 12.5.1).

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{ACCEPT, HeaderMap};
use actix_web::{FromRequest, HttpRequest};

use super::problem::Problem;
use super::problem_kind::ProblemKind;

/// Proof that the client accepts JSON. A handler takes it as its first argument.
pub(crate) struct AcceptsJson;

impl FromRequest for AcceptsJson {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(if accepts_json(request.headers()) { Ok(Self) } else { Err(not_acceptable()) })
    }
}

/// In which form the client reads the answer of a health check: probes often ask for plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HealthFormat {
    Json,
    /// The status alone.
    Text,
}

impl FromRequest for HealthFormat {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let headers = request.headers();
        ready(if accepts_json(headers) {
            Ok(Self::Json)
        } else if accepts(headers, "text", &["plain"]) {
            Ok(Self::Text)
        } else {
            Err(not_acceptable())
        })
    }
}

fn not_acceptable() -> Problem {
    Problem::new(ProblemKind::NotAcceptable)
}

fn accepts_json(headers: &HeaderMap) -> bool {
    accepts(headers, "application", &["json", "problem+json"])
}

/// Whether one of some media types is acceptable: the most specific matching range has a weight
/// over 0.
fn accepts(headers: &HeaderMap, main: &str, subtypes: &[&str]) -> bool {
    if !headers.contains_key(ACCEPT) {
        return true;
    }
    headers
        .get_all(ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| weigh(range, main, subtypes))
        .max_by_key(|(specificity, _)| *specificity)
        .is_some_and(|(_, weight)| weight > 0.0)
}

/// How specifically a range matches one of the media types, and with which weight; `None` if it
/// does not.
fn weigh(range: &str, main: &str, subtypes: &[&str]) -> Option<(u8, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next()?.to_ascii_lowercase();
    let specificity = match media.split_once('/')? {
        (named, sub) if named == main && subtypes.contains(&sub) => 2,
        (named, "*") if named == main => 1,
        ("*", "*") => 0,
        _ => return None,
    };
    let weight = parts
        .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
        .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
    Some((specificity, weight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn headers(accept: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers
    }

    fn accepts_json(accept: &'static str) -> bool {
        super::accepts_json(&headers(accept))
    }

    #[test]
    fn the_most_specific_range_decides() {
        for value in [
            "*/*",
            "application/*",
            "text/html, application/json;q=0.1",
            "Application/JSON",
            "*/*;q=0.1",
        ] {
            assert!(accepts_json(value), "{value}");
        }
        for value in
            ["", "text/html", "application/json;q=0, */*", "application/xml", "json", "*/*; q=0"]
        {
            assert!(!accepts_json(value), "{value}");
        }
        assert!(super::accepts_json(&HeaderMap::new()));
        for (accept, text) in [("text/plain", true), ("text/*;q=0.5", true), ("text/html", false)] {
            assert_eq!(accepts(&headers(accept), "text", &["plain"]), text, "{accept}");
        }
    }
}
