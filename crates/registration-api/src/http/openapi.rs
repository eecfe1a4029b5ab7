//! `GET /api/v1/openapi.json`: the OpenAPI 3.1 document, generated from the handlers and from the problems that
//! each can answer with.

use actix_web::HttpResponse;
use actix_web::web::Data;
use domain::{CodeLength, PasswordLength};
use serde_json::{Value, json};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Header, Object, Ref, Response, ResponseBuilder, Type};
use utoipa::{Modify, OpenApi};

use super::content_negotiation::AcceptsJson;
use super::problem::{FieldError, ProblemDocument};
use super::problem_kind::ProblemKind;
use super::endpoints::{activate, health, register, resend_code};
use crate::http::AppState;

/// Answers to whatever a client sends.
const TO_ANY: &[ProblemKind] = &[ProblemKind::NotAcceptable];

/// Answers to a request that does something.
const TO_CALL: &[ProblemKind] = &[
    ProblemKind::RateLimited,
    ProblemKind::InternalError,
    ProblemKind::Overloaded,
    ProblemKind::Unavailable,
];

/// Answers to a body.
const TO_BODY: &[ProblemKind] = &[
    ProblemKind::MalformedJson,
    ProblemKind::RequestTimeout,
    ProblemKind::PayloadTooLarge,
    ProblemKind::UnsupportedMediaType,
    ProblemKind::ValidationFailed,
];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Registration",
        description = "Sign up with an address and a password, and send back the code that arrives by mail. \
                       Errors are problem documents (RFC 9457): see [the list](/docs/problems)."
    ),
    paths(
        register::register, activate::activate, resend_code::resend_code, health::live, health::ready, serve
    ),
    components(schemas(ProblemDocument, FieldError)),
    tags(
        (name = "users", description = "From an address to an active account"),
        (name = "health", description = "For whoever runs the service"),
        (name = "meta", description = "This description")
    ),
    modifiers(&BasicScheme, &Problems)
)]
struct Description;

/// The OpenAPI document in JSON, with the lengths that are in force; the same text for the same lengths.
pub fn document(password_length: PasswordLength, code_length: CodeLength) -> String {
    let mut document = serde_json::to_value(Description::openapi()).unwrap_or_default();
    let schemas = &mut document["components"]["schemas"];
    let password = &mut schemas["RegisterRequest"]["properties"]["password"];
    password["minLength"] = json!(password_length.min);
    password["maxLength"] = json!(password_length.max);
    let code = &mut schemas["ActivateRequest"]["properties"]["code"];
    code["pattern"] = json!(format!("^[0-9]{{{}}}$", code_length.digits()));
    code["examples"] = Value::from(["04273918".get(..code_length.digits())].as_slice());
    require_headers(&mut document);
    format!("{document:#}\n")
}

/// Marks the headers that never lack: a client may rely on them, and a test of the document checks them.
fn require_headers(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    let operations = paths.filter_map(Value::as_object_mut).flat_map(|path| path.values_mut());
    for operation in operations {
        let responses = operation["responses"].as_object_mut().into_iter().flat_map(|all| all.values_mut());
        for headers in responses.filter_map(|response| response.get_mut("headers")) {
            for name in ["Retry-After", "WWW-Authenticate"] {
                if let Some(header) = headers.get_mut(name) {
                    header["required"] = json!(true);
                }
            }
        }
    }
}

/// This description
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "openapi",
    tag = "meta",
    responses((
        status = 200, description = "An OpenAPI 3.1 document.", content_type = "application/json", body = Object
    ))
)]
pub(crate) async fn serve(_: AcceptsJson, state: Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(state.openapi.clone())
}

struct BasicScheme;

impl Modify for BasicScheme {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Basic);
        scheme.description = Some("The registered address and its password, in UTF-8 (RFC 7617).".into());
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("basic", SecurityScheme::Http(scheme));
    }
}

/// Adds the problems to each operation, and the headers that go with their statuses.
struct Problems;

impl Modify for Problems {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use ProblemKind::{
            AlreadyActive, CodeExpired, CodeInvalid, EmailTaken, InvalidCredentials, TooManyAttempts,
        };
        let credentials: &[_] = &[InvalidCredentials, AlreadyActive];
        let activation: &[_] = &[CodeInvalid, CodeExpired, TooManyAttempts];
        for (path, item) in &mut openapi.paths.paths {
            let problems = match path.as_str() {
                "/api/v1/users/register" => [TO_ANY, TO_BODY, TO_CALL, &[EmailTaken]].concat(),
                "/api/v1/users/activate" => [TO_ANY, TO_BODY, TO_CALL, credentials, activation].concat(),
                "/api/v1/users/resend-code" => [TO_ANY, TO_CALL, credentials].concat(),
                _ => TO_ANY.to_vec(),
            };
            for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
                add_problems(operation, &problems);
            }
        }
    }
}

/// One response a status, which lists every kind of problem that has it.
fn add_problems(operation: &mut Operation, problems: &[ProblemKind]) {
    for kind in problems {
        let same_status: Vec<_> = problems.iter().filter(|other| other.status() == kind.status()).collect();
        let lines: Vec<_> =
            same_status.iter().map(|kind| format!("`{}`: {}", kind.code(), kind.meaning())).collect();
        let status = kind.status().as_str().to_owned();
        let response = response(*kind, &lines.join("\n\n"));
        operation.responses.responses.insert(status, response.into());
    }
}

fn response(kind: ProblemKind, description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem")));
    let content = content.example(Some(example(kind))).build();
    let response =
        ResponseBuilder::new().description(description).content("application/problem+json", content);
    let with = |response: ResponseBuilder, name: &str, kind: Type, description: &str| {
        let mut header = Header::new(Object::with_type(kind));
        header.description = Some(description.into());
        response.header(name, header)
    };
    match kind.status().as_u16() {
        401 => with(response, "WWW-Authenticate", Type::String, "The challenge of RFC 7617."),
        429 => {
            let response = with(response, "Retry-After", Type::Integer, "Seconds to wait.");
            let response = with(response, "RateLimit-Policy", Type::String, "The limit that was hit.");
            with(response, "RateLimit", Type::String, "What is left of it.")
        }
        503 => with(response, "Retry-After", Type::Integer, "Seconds to wait."),
        _ => response,
    }
    .build()
}

/// What a problem of this kind looks like.
fn example(kind: ProblemKind) -> Value {
    let mut example = json!({
        "type": kind.type_uri(),
        "title": kind.title(),
        "status": kind.status().as_u16(),
        "detail": kind.meaning(),
        "code": kind.code(),
    });
    if kind == ProblemKind::ValidationFailed {
        let fault = "a password has at least 8 characters";
        example["errors"] = json!([{"pointer": "/password", "code": "password-too-short", "detail": fault}]);
    }
    example
}
