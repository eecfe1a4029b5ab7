//! The OpenAPI 3.1 document, generated from the endpoints.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use actix_web::http::StatusCode;
use domain::{CodeLength, PasswordLength, SubmittedCode};
use serde_json::{Map, Value, json};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{RefOr, Type};
use utoipa::{Modify, OpenApi};

use super::endpoints::endpoints;
use super::openapi_examples::add_examples;
use super::problem::{FieldErrorDocument, ProblemDocument};
use super::problem_kind::ProblemKind;
use super::problem_responses::describe_header;
use super::public_url::PublicUrl;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Registration",
        description = "Sign up with an address and a password, and send back the code that arrives by mail. \
                       Errors are problem documents (RFC 9457): see [the list](docs/problems).",
        contact(name = "Whoever runs this service")
    ),
    servers((url = "../..", description = "The server that this document comes from, relative to it")),
    components(schemas(ProblemDocument, FieldErrorDocument)),
    tags(
        (name = "users", description = "From an address to an active account"),
        (name = "health", description = "For operators"),
        (name = "meta", description = "The description of the API")
    ),
    modifiers(&BasicScheme)
)]
struct Description;

/// What the document says of this deployment.
#[derive(Debug, Clone, Copy)]
pub struct DocumentOptions<'a> {
    /// How long passwords may be.
    pub password_length: PasswordLength,
    /// How many digits a code has.
    pub code_length: CodeLength,
    /// How many digits other codes under way may have.
    pub previous_code_lengths: &'a [CodeLength],
    /// Whether a registration takes a proof of work.
    pub has_challenge: bool,
    /// Where clients reach the API.
    pub public_url: &'a PublicUrl,
}

/// The document in JSON; the same text for the same options.
pub fn document(options: &DocumentOptions<'_>) -> String {
    let mut openapi = Description::openapi();
    for endpoint in endpoints() {
        openapi.merge(endpoint.description);
    }
    declare_rate_limit_fields(&mut openapi);
    let mut document = serde_json::to_value(openapi).unwrap_or_default();
    let schemas = &mut document["components"]["schemas"];
    let password = &mut schemas["RegisterRequest"]["properties"]["password"];
    password["minLength"] = json!(options.password_length.min);
    password["maxLength"] = json!(options.password_length.max);
    let code = &mut schemas["ActivateRequest"]["properties"]["code"];
    code["pattern"] = json!(code_pattern(options));
    code["examples"] = json!(code_examples(options.code_length));
    describe_proof_of_work(&mut document, options.has_challenge);
    if !options.public_url.is_relative() {
        document["servers"] = json!([{ "url": options.public_url.to_string() }]);
    }
    complete(document, ProblemKind::of_api(), options.public_url)
}

/// Adds what every document of this service says, and writes it: the kinds of problems and where
/// they are explained, required headers, examples.
pub(super) fn complete(
    mut document: Value,
    problems: impl Iterator<Item = ProblemKind>,
    public_url: &PublicUrl,
) -> String {
    document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] =
        problems.map(ProblemKind::code).collect();
    require_headers(&mut document);
    if !public_url.is_relative() {
        link_problems(&mut document, public_url);
    }
    let schemas = document["components"]["schemas"].clone();
    for operation in operations(&mut document) {
        // Without a word on it, tools cannot tell an open operation from a forgotten one.
        operation.entry("security").or_insert_with(|| json!([]));
        add_examples(operation, &schemas);
    }
    format!("{document:#}\n")
}

/// A code as the mail shows it, and as people type it.
fn code_examples(length: CodeLength) -> [String; 2] {
    let digits = &"04273918"[..length.digits()];
    let (first, second) = digits.split_at(length.digits() / 2);
    [digits.to_owned(), format!("{first} {second}")]
}

/// Codes of every length that is accepted, as people type them.
fn code_pattern(options: &DocumentOptions<'_>) -> String {
    let lengths: BTreeSet<usize> = options
        .previous_code_lengths
        .iter()
        .chain([&options.code_length])
        .map(|length| length.digits())
        .collect();
    let separators = format!("[{}]*", character_class(SubmittedCode::SEPARATORS));
    let digit = format!("[{}]", character_class(&SubmittedCode::DIGITS));
    let lengths: Vec<_> =
        lengths.iter().map(|digits| format!("({digit}{separators}){{{digits}}}")).collect();
    match lengths.as_slice() {
        [only] => format!("^{separators}{only}$"),
        several => format!("^{separators}({})$", several.join("|")),
    }
}

/// Ranges of characters as regular expressions of every dialect write them.
fn character_class(ranges: &[RangeInclusive<char>]) -> String {
    let escape = |character: &char| match character {
        '0'..='9' => character.to_string(),
        other => format!("\\u{:04x}", u32::from(*other)),
    };
    let write = |range: &RangeInclusive<char>| match (escape(range.start()), escape(range.end())) {
        (start, end) if start == end => start,
        (start, end) => format!("{start}-{end}"),
    };
    ranges.iter().map(write).collect()
}

/// The document describes what this service asks for: without a proof of work, none is mentioned.
fn describe_proof_of_work(document: &mut Value, has_challenge: bool) {
    let request = &mut document["components"]["schemas"]["RegisterRequest"];
    if has_challenge {
        return;
    }
    remove(&mut request["properties"], "proof_of_work");
    if let Some(required) = request["required"].as_array_mut() {
        required.retain(|name| name != "proof_of_work");
    }
    remove(&mut document["components"]["schemas"], "Challenge");
    remove(&mut document["paths"], "/api/v1/users/challenge");
}

fn remove(object: &mut Value, name: &str) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove(name);
    }
}

/// Makes the examples of problems lead to where their documentation is.
fn link_problems(document: &mut Value, public_url: &PublicUrl) {
    let link = |example: &mut Value| {
        if let Some(path) = example.as_str() {
            *example = json!(format!("{public_url}{path}"));
        }
    };
    let properties = &mut document["components"]["schemas"]["Problem"]["properties"];
    link(&mut properties["type"]["examples"][0]);
    for operation in operations(document) {
        let responses =
            operation["responses"].as_object_mut().into_iter().flat_map(|all| all.values_mut());
        let pointer = "/content/application~1problem+json/example/type";
        responses.filter_map(|response| response.pointer_mut(pointer)).for_each(link);
    }
}

/// Every answer of a limited operation has the fields, except for 406, which precedes the limits.
fn declare_rate_limit_fields(openapi: &mut utoipa::openapi::OpenApi) {
    let policy =
        describe_header(Type::String, "The limits that this request was checked against, if any.");
    let state = describe_header(Type::String, "How much of each limit is left.");
    let operations = openapi.paths.paths.values_mut().filter_map(|item| item.post.as_mut());
    for responses in operations.map(|operation| &mut operation.responses.responses) {
        if !responses.contains_key(StatusCode::TOO_MANY_REQUESTS.as_str()) {
            continue;
        }
        let limited = responses
            .iter_mut()
            .filter(|(status, _)| **status != StatusCode::NOT_ACCEPTABLE.as_str());
        for (_, response) in limited {
            if let RefOr::T(response) = response {
                response.headers.insert("RateLimit-Policy".into(), RefOr::T(policy.clone()));
                response.headers.insert("RateLimit".into(), RefOr::T(state.clone()));
            }
        }
    }
}

/// Marks the headers that are always present: a client may rely on them, and a test of the document
/// checks them.
fn require_headers(document: &mut Value) {
    for operation in operations(document) {
        let responses =
            operation["responses"].as_object_mut().into_iter().flat_map(|all| all.values_mut());
        for headers in responses.filter_map(|response| response.get_mut("headers")) {
            for name in ["Content-Language", "Retry-After", "WWW-Authenticate"] {
                if let Some(header) = headers.get_mut(name) {
                    header["required"] = json!(true);
                }
            }
        }
    }
}

/// Every operation of every path.
fn operations(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    let operations = paths.filter_map(Value::as_object_mut).flat_map(|path| path.values_mut());
    operations.filter_map(Value::as_object_mut)
}

struct BasicScheme;

impl Modify for BasicScheme {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Basic);
        scheme.description =
            Some("The registered address and its password, in UTF-8 (RFC 7617).".into());
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("basic", SecurityScheme::Http(scheme));
    }
}
