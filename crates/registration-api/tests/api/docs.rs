use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use domain::{CodeLength, PasswordLength};
use registration_api::http::openapi::{DocumentOptions, document};
use registration_api::http::{ApiOptions, PublicUrl};
use serde_json::Value;

use crate::support::{TestApp, World, options};

/// The document with these lengths of passwords, and as many digits per code.
fn document_of(password: RangeInclusive<usize>, digits: u8) -> String {
    document(&DocumentOptions {
        password_length: PasswordLength { min: *password.start(), max: *password.end() },
        code_length: CodeLength::new(digits).unwrap(),
        previous_code_lengths: &[],
        has_challenge: false,
        public_url: &PublicUrl::default(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_and_all_it_loads_come_from_here() {
    let app = TestApp::start();
    let response = app.get("/docs").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    let page = response.text().await.unwrap();
    assert!(!page.contains("http:") && !page.contains("https:"));
    let is_file = |part: &&str| part.starts_with("docs/") && part.contains('.');
    let files: BTreeSet<_> = page.split(['"']).filter(is_file).collect();
    assert_eq!(files.len(), 6);
    for link in files {
        let response = app.get(&format!("/{link}")).await;
        assert_eq!(response.status(), 200, "{link}");
        assert!(response.headers()["cache-control"].to_str().unwrap().contains("max-age"));
        assert!(!response.bytes().await.unwrap().is_empty());
    }
    assert_eq!(app.get("/").await.headers()["location"], "docs");
    assert_eq!(app.get("/docs/").await.headers()["location"], "../docs");
    let script = app.get("/docs/start.js").await.text().await.unwrap();
    assert!(script.contains("api/v1/openapi.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_served_as_it_is_printed() {
    let app = TestApp::start();
    let response = app.get("/api/v1/openapi.json").await;
    assert_eq!(response.headers()["content-type"], "application/json");
    let printed = document_of(8..=128, 4);
    assert_eq!(response.text().await.unwrap(), printed);
}

#[test]
fn the_committed_document_is_the_generated_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let generated = document_of(8..=128, 4);
    assert!(
        committed == generated,
        "the API has changed and crates/registration-api/openapi.json has not; look at the difference after \
         `cargo run -p registration-api -- openapi > crates/registration-api/openapi.json`"
    );
}

#[test]
fn every_status_of_the_contract_is_documented() {
    let text = document_of(9..=99, 6);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let expected = BTreeMap::from([
        ("/api/v1/users/register", "201 202 400 403 406 408 409 413 415 422 429 500 503"),
        ("/api/v1/users/activate", "200 400 401 406 408 409 410 413 415 422 429 500 503"),
        ("/api/v1/users/resend-code", "200 202 401 406 409 429 500 503"),
        ("/api/v1/openapi.json", "200 406"),
        ("/health/live", "200 406"),
        ("/health/ready", "200 406 503"),
    ]);
    let paths = document["paths"].as_object().unwrap();
    let documented: BTreeMap<_, _> = paths
        .iter()
        .map(|(path, item)| {
            let operation = item.as_object().unwrap().values().next().unwrap();
            let statuses: Vec<_> =
                operation["responses"].as_object().unwrap().keys().cloned().collect();
            (path.as_str(), statuses.join(" "))
        })
        .collect();
    let expected: BTreeMap<_, _> =
        expected.into_iter().map(|(path, list)| (path, list.to_owned())).collect();
    assert_eq!(documented, expected);
    let schemas = &document["components"]["schemas"];
    let password = &schemas["RegisterRequest"]["properties"]["password"];
    assert_eq!((&password["minLength"], &password["maxLength"]), (&9.into(), &99.into()));
    assert_eq!(schemas["ActivateRequest"]["properties"]["code"]["pattern"], code_pattern(&[6]));
    let responses = &document["paths"]["/api/v1/users/activate"]["post"]["responses"];
    for (status, header) in
        [("401", "WWW-Authenticate"), ("429", "Retry-After"), ("503", "Retry-After")]
    {
        assert_eq!(responses[status]["headers"][header]["required"], true, "{status} {header}");
    }
    for (status, response) in responses.as_object().unwrap() {
        for field in ["RateLimit", "RateLimit-Policy"] {
            assert_eq!(response["headers"][field].is_object(), status != "406", "{status} {field}");
        }
    }
    assert!(document["paths"]["/health/live"]["get"]["responses"]["200"].get("headers").is_none());
    let security = &document["paths"]["/api/v1/users/activate"]["post"]["security"];
    assert_eq!(security, &serde_json::json!([{"basic": []}]));
    assert_eq!(document["components"]["securitySchemes"]["basic"]["scheme"], "basic");
}

#[test]
fn the_document_says_where_what_and_for_whom() {
    let text = document_of(8..=128, 6);
    let document: Value = serde_json::from_str(&text).unwrap();
    // Relative to the document itself: also right behind a path prefix.
    assert_eq!(document["servers"][0]["url"], "../..");
    let codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
        .as_array()
        .unwrap();
    for code in ["code-invalid", "email-taken", "too-many-attempts", "unavailable"] {
        assert!(codes.contains(&code.into()), "{code} is not in {codes:?}");
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            let is_open = ["/api/v1/users/activate", "/api/v1/users/resend-code"]
                .iter()
                .all(|own| own != path);
            assert_eq!(operation["security"] == serde_json::json!([]), is_open, "{path}");
            // The description is its own example.
            if path == "/api/v1/openapi.json" {
                continue;
            }
            let request = operation.get("requestBody").into_iter();
            let responses = operation["responses"].as_object().unwrap().values();
            for body in request.chain(responses) {
                for content in body["content"].as_object().unwrap().values() {
                    let example = content.get("example");
                    assert!(example.is_some_and(|example| !example.is_null()), "{path}: {body}");
                }
            }
        }
    }
    let activate = &document["paths"]["/api/v1/users/activate"]["post"];
    let body = &activate["requestBody"]["content"]["application/json"];
    assert_eq!(body["example"], serde_json::json!({"code": "042739"}));
    let answer = &activate["responses"]["200"]["content"]["application/json"]["example"];
    assert_eq!((&answer["email"], &answer["is_active"]), (&"ada@example.com".into(), &true.into()));
}

#[test]
fn asvs_14_2_1_nothing_is_asked_for_in_a_url() {
    let text = document_of(8..=128, 4);
    let document: Value = serde_json::from_str(&text).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(!path.contains('{'), "{path}");
        for part in item.as_object().unwrap().values() {
            let parameters = part.get("parameters").and_then(Value::as_array);
            let is_in_header = |parameter: &Value| parameter["in"] == "header";
            assert!(parameters.into_iter().flatten().all(is_in_header), "{path}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(elements) => {
                elements.iter().for_each(|element| references(element, found));
            }
            _ => {}
        }
    }
    let text = document_of(8..=128, 4);
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc_9457_each_problem_leads_to_its_explanation() {
    let app = TestApp::start();
    let page = app.get("/docs/problems").await.text().await.unwrap();
    for path in ["/nothing", "/api/v1/users/register"] {
        let document: Value = app.get(path).await.json().await.unwrap();
        let (link, anchor) = document["type"].as_str().unwrap().split_once('#').unwrap();
        assert_eq!(link, "/docs/problems");
        assert!(page.contains(&format!("id=\"{anchor}\"")), "{anchor}");
    }
}

/// As behind a proxy that takes `/signup` off again.
#[tokio::test(flavor = "multi_thread")]
async fn rfc_9457_each_problem_links_to_the_public_url() {
    let public_url = PublicUrl::parse("https://example.com/signup").unwrap();
    let app = TestApp::start_with(World::default(), ApiOptions { public_url, ..options() });
    let served = async |path: &str| app.get(path).await.json::<Value>().await.unwrap();
    for (path, code) in
        [("/nothing", "not-found"), ("/api/v1/users/register", "method-not-allowed")]
    {
        let link = format!("https://example.com/signup/docs/problems#{code}");
        assert_eq!(served(path).await["type"], link);
    }
    let document = served("/api/v1/openapi.json").await;
    assert_eq!(document["servers"], serde_json::json!([{"url": "https://example.com/signup"}]));
    let link = "https://example.com/signup/docs/problems#email-taken";
    assert_eq!(
        document["components"]["schemas"]["Problem"]["properties"]["type"]["examples"][0],
        link
    );
    let conflict = &document["paths"]["/api/v1/users/register"]["post"]["responses"]["409"];
    assert_eq!(conflict["content"]["application/problem+json"]["example"]["type"], link);
    // The page stays relative.
    let page = app.get("/docs").await.text().await.unwrap();
    assert!(!page.contains("example.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_length_of_code_that_is_accepted_is_documented() {
    let previous_code_lengths = [8, 4, 6].map(|digits| CodeLength::new(digits).unwrap()).to_vec();
    let code_length = CodeLength::new(6).unwrap();
    let options = ApiOptions { code_length, previous_code_lengths, ..options() };
    let app = TestApp::start_with(World::default(), options);
    let document: Value = app.get("/api/v1/openapi.json").await.json().await.unwrap();
    let code = &document["components"]["schemas"]["ActivateRequest"]["properties"]["code"];
    assert_eq!(code["pattern"], code_pattern(&[4, 6, 8]));
    assert_eq!(code["examples"][0], "042739");
}

/// The document describes the service that it comes from.
#[test]
fn a_proof_of_work_is_described_where_it_is_asked_for() {
    let describe = |has_challenge| -> Value {
        let text = document(&DocumentOptions {
            password_length: PasswordLength { min: 8, max: 128 },
            code_length: CodeLength::new(4).unwrap(),
            previous_code_lengths: &[],
            has_challenge,
            public_url: &PublicUrl::default(),
        });
        serde_json::from_str(&text).unwrap()
    };
    for has_challenge in [true, false] {
        let document = describe(has_challenge);
        let paths = document["paths"].as_object().unwrap();
        let schemas = &document["components"]["schemas"];
        let request = &schemas["RegisterRequest"];
        let is_required = request["required"].as_array().unwrap().contains(&"proof_of_work".into());
        let example = &document["paths"]["/api/v1/users/register"]["post"]["requestBody"];
        let example = &example["content"]["application/json"]["example"];
        assert_eq!(paths.contains_key("/api/v1/users/challenge"), has_challenge);
        assert_eq!(schemas["Challenge"].is_object(), has_challenge);
        assert_eq!(request["properties"]["proof_of_work"].is_object(), has_challenge);
        assert_eq!(
            (is_required, example["proof_of_work"].is_string()),
            (has_challenge, has_challenge)
        );
    }
}

/// Spaces and hyphens may be anywhere, and digits may be full-width.
fn code_pattern(lengths: &[usize]) -> String {
    let separators =
        r"[\u0009-\u000d\u0020\u002d\u00a0\u2000-\u200a\u2010-\u2015\u202f\u2212\u3000\uff0d]*";
    let digits =
        lengths.iter().map(|length| format!(r"([0-9\uff10-\uff19]{separators}){{{length}}}"));
    match digits.collect::<Vec<_>>().as_slice() {
        [only] => format!("^{separators}{only}$"),
        several => format!("^{separators}({})$", several.join("|")),
    }
}
