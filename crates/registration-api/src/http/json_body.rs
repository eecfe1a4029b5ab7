//! Reads JSON bodies, bounded in size and time, and takes their fields out.
//!
//! Every error in a body is reported at once, with its JSON pointer. No report may repeat a value.

use std::time::Duration;

use actix_web::http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap,
    HeaderValue,
};
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpMessage, HttpRequest};
use futures::StreamExt;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::problem::{FieldError, Problem};
use super::problem_kind::ProblemKind;

/// The most bytes a body may have.
pub(crate) const MAX_BYTES: usize = 16 * 1024;

/// Reads the body of a request and parses it.
pub(crate) async fn read(
    request: &HttpRequest,
    payload: Payload,
    timeout: Duration,
) -> Result<Fields, Problem> {
    check_headers(request)?;
    let body = tokio::time::timeout(timeout, collect(payload)).await.map_err(|_| {
        // The rest of the body may still arrive, so nothing else can be read from this connection.
        Problem::new(ProblemKind::RequestTimeout)
            .header(CONNECTION, HeaderValue::from_static("close"))
    })??;
    parse(&body)
}

fn check_headers(request: &HttpRequest) -> Result<(), Problem> {
    if is_encoded(request.headers()) {
        let identity = HeaderValue::from_static("identity");
        return Err(
            Problem::new(ProblemKind::UnsupportedMediaType).header(ACCEPT_ENCODING, identity)
        );
    }
    let one_type = request.headers().get_all(CONTENT_TYPE).count() == 1;
    if !one_type || !request.content_type().eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(ProblemKind::UnsupportedMediaType));
    }
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > MAX_BYTES as u64) {
        return Err(Problem::new(ProblemKind::PayloadTooLarge));
    }
    Ok(())
}

/// Whether there is a content coding other than `identity`; their names are case-insensitive (RFC
/// 9110 section 8.4.1).
fn is_encoded(headers: &HeaderMap) -> bool {
    let is_identity = |coding: &str| coding.trim().eq_ignore_ascii_case("identity");
    headers
        .get_all(CONTENT_ENCODING)
        .any(|value| !value.to_str().is_ok_and(|codings| codings.split(',').all(is_identity)))
}

async fn collect(mut payload: Payload) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::new(ProblemKind::MalformedJson))?;
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(Problem::new(ProblemKind::PayloadTooLarge));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn parse(body: &[u8]) -> Result<Fields, Problem> {
    match serde_json::from_slice(body) {
        Ok(Document::Object(fields)) => Ok(Fields { fields, errors: Vec::new() }),
        Ok(Document::Other) => Err(Problem::validation_failed(vec![FieldError {
            pointer: "",
            code: "not-an-object",
            detail: "a JSON object is required".into(),
        }])),
        Err(_) => Err(Problem::new(ProblemKind::MalformedJson)),
    }
}

/// The fields of a JSON object, and the errors found in them so far.
#[derive(Debug)]
pub(crate) struct Fields {
    fields: Vec<(String, Value)>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Takes the string at `pointer`, a `/` and the field's name. A field that occurs twice is an
    /// error, since readers disagree on which one counts (RFC 8259 section 4). Fields not asked for
    /// are ignored.
    pub(crate) fn take_string(&mut self, pointer: &'static str) -> Option<String> {
        let mut values = self
            .fields
            .iter_mut()
            .filter(|(name, _)| *name == pointer[1..])
            .map(|(_, value)| value);
        let (first, second) = (values.next(), values.next());
        let (code, detail) = match (first.map(Value::take), second) {
            (Some(Value::String(text)), None) => return Some(text),
            (None, _) => ("missing", "this field is required"),
            (Some(_), Some(_)) => ("duplicate", "this field occurs more than once"),
            (Some(_), None) => ("wrong-type", "a string is required"),
        };
        self.add_error(pointer, code, detail);
        None
    }

    /// Records an error in the field at `pointer`.
    pub(crate) fn add_error(
        &mut self,
        pointer: &'static str,
        code: &'static str,
        detail: impl Into<String>,
    ) {
        self.errors.push(FieldError { pointer, code, detail: detail.into() });
    }

    /// The answer that reports the errors.
    pub(crate) fn into_problem(self) -> Problem {
        Problem::validation_failed(self.errors)
    }
}

/// A JSON document whose fields are kept as they came, duplicates included.
enum Document {
    Object(Vec<(String, Value)>),
    Other,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Document::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Document, A::Error> {
        while elements.next_element::<Value>()?.is_some() {}
        Ok(Document::Other)
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Document, E> {
        Ok(Document::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::ResponseError;
    use proptest::prelude::*;

    fn status(body: &[u8]) -> u16 {
        parse(body).map_or_else(|problem| problem.status_code().as_u16(), |_| 200)
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        let deep = format!("{{\"a\":{}", "[".repeat(8000));
        for body in [
            "",
            " ",
            "{",
            "{]",
            "{\"a\":}",
            "{'a':1}",
            "{\"a\":1,}",
            "{\"a\":1} x",
            "nul",
            "\u{feff}{}",
            "NaN",
            "1e999",
            r#"{"email":"\ud800"}"#,
            r#"{"email":"\udc00"}"#,
            "{\"email\":\"\n\"}",
            &deep,
        ] {
            assert_eq!(status(body.as_bytes()), 400, "{body:.40}");
        }
        for body in [&b"{\"email\":\"\xff\"}"[..], b"{\"\xc3\x28\":1}", b"\xff\xfe{\0}\0", b"\0"] {
            assert_eq!(status(body), 400, "{body:?}");
        }
    }

    #[test]
    fn a_document_that_is_not_an_object_is_refused() {
        for body in ["null", "true", "1", "-1", "1.5", "\"text\"", "[]", "[{\"email\":1}]"] {
            assert_eq!(status(body.as_bytes()), 422, "{body}");
        }
    }

    #[test]
    fn every_error_is_reported() {
        let mut fields = parse(br#"{"a":1,"b":"x","b":"y","c":null,"e":"\u00e4"}"#).unwrap();
        for pointer in ["/a", "/b", "/c", "/d"] {
            assert_eq!(fields.take_string(pointer), None, "{pointer}");
        }
        assert_eq!(fields.take_string("/e").unwrap(), "ä");
        let errors: Vec<_> =
            fields.errors.iter().map(|error| (error.pointer, error.code)).collect();
        let expected =
            [("/a", "wrong-type"), ("/b", "duplicate"), ("/c", "wrong-type"), ("/d", "missing")];
        assert_eq!(errors, expected);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("email|password|code|[a-z]{0,3}", inner), 0..4)
                    .prop_map(|fields| fields
                        .into_iter()
                        .collect::<serde_json::Map<_, _>>()
                        .into()),
            ]
        })
    }

    /// A JSON document with bytes replaced, inserted and removed.
    fn mutated() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            any::<u8>(),
            "[{}\\[\\]:,\"\\\\0-9eE+.u-]".prop_map(|text| text.as_bytes()[0])
        ];
        let edits = proptest::collection::vec((any::<prop::sample::Index>(), 0..3, byte), 1..6);
        (json(), edits).prop_map(|(document, edits)| {
            let mut body = document.to_string().into_bytes();
            for (at, edit, byte) in edits {
                let at = at.index(body.len() + 1);
                let replaced = if edit == 0 { at..at } else { at..(at + 1).min(body.len()) };
                body.splice(replaced, (edit != 1).then_some(byte));
            }
            body
        })
    }

    /// The status by the JSON library alone, which knows nothing of duplicates and fields.
    fn expected(body: &[u8]) -> u16 {
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(_)) => 200,
            Ok(_) => 422,
            Err(_) => 400,
        }
    }

    proptest! {
        // At least 2,000 cases; `PROPTEST_CASES` asks for more.
        #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2_000)))]

        #[test]
        fn fuzz_no_bytes_as_body_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(status(&body), expected(&body));
        }

        #[test]
        fn fuzz_broken_json_bodies_are_told_from_others(body in mutated()) {
            prop_assert_eq!(status(&body), expected(&body));
            if let Ok(mut fields) = parse(&body) {
                for pointer in ["/email", "/password", "/code"] {
                    fields.take_string(pointer);
                }
                let repeats_a_value = fields.errors.iter().any(|error| error.detail.contains('"'));
                prop_assert!(!repeats_a_value);
            }
        }

        #[test]
        fn fuzz_json_bodies_are_always_understood(document in json()) {
            let body = document.to_string();
            prop_assert_eq!(status(body.as_bytes()), if document.is_object() { 200 } else { 422 });
            if let Ok(mut fields) = parse(body.as_bytes()) {
                let email = fields.take_string("/email");
                prop_assert_eq!(email.as_deref(), document["email"].as_str());
            }
        }
    }
}
