use actix_web::ResponseError;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::http::texts::Language;

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
    let expected =
        [("/a", "wrong-type"), ("/b", "duplicate"), ("/c", "wrong-type"), ("/d", "missing")];
    assert_eq!(errors_of(&fields), expected);
}

fn errors_of(fields: &Fields) -> Vec<(&str, &str)> {
    fields.errors.iter().map(|error| (&*error.pointer, error.code)).collect()
}

#[test]
fn unknown_fields_are_refused_once_each() {
    let mut fields = parse(br#"{"a":1,"b":2,"b":3,"c/d~e":4,"":5}"#).unwrap();
    fields.refuse_others(&["a", "z"]);
    let expected = [("/b", "unknown"), ("/c~1d~0e", "unknown"), ("/", "unknown")];
    assert_eq!(errors_of(&fields), expected);
    assert!(!fields.are_valid());
}

#[test]
fn a_field_may_be_left_out_and_nothing_else() {
    let mut fields = parse(br#"{"a":"x","b":null}"#).unwrap();
    assert_eq!(fields.take_optional_string("/a").as_deref(), Some("x"));
    assert_eq!(fields.take_optional_string("/c"), None);
    assert!(fields.are_valid());
    assert_eq!(fields.take_optional_string("/b"), None);
    assert_eq!(errors_of(&fields), [("/b", "wrong-type")]);
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
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// A JSON document with bytes replaced, inserted and removed.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let byte =
        prop_oneof![any::<u8>(), "[{}\\[\\]:,\"\\\\0-9eE+.u-]".prop_map(|text| text.as_bytes()[0])];
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
            let repeats_a_value = fields
                .errors
                .iter()
                .any(|error| error.detail.text(Language::English).contains('"'));
            prop_assert!(!repeats_a_value);
        }
    }

    #[test]
    fn fuzz_no_query_makes_it_panic_or_pass_unread(
        query in prop_oneof![any::<String>(), "(email|[a-z]{0,3}|%[0-9a-f]{0,2}|[=&+;])*"],
    ) {
        let mut fields = Fields::of_query(&query);
        fields.refuse_others(&["email"]);
        let email = fields.take_string("/email");
        let parameters: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
        let only = matches!(&parameters[..], [(name, _)] if name == "email");
        prop_assert_eq!(email.is_some() && fields.are_valid(), only, "{}", query);
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
