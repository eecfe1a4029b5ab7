//! The problems of an endpoint, as the OpenAPI document describes them.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use domain::PasswordError;
use serde_json::{Value, json};
use utoipa::IntoResponses;
use utoipa::openapi::{
    ContentBuilder, Header, Object, Ref, RefOr, Response, ResponseBuilder, Type,
};

use super::problem_kind::ProblemKind;
use super::public_url::PublicUrl;
use super::texts::{FieldText, Language};

/// The problems of every endpoint that answers in JSON.
pub(crate) const NEGOTIATION_PROBLEMS: &[ProblemKind] = &[ProblemKind::NotAcceptable];

/// The problems of an endpoint that reads a body.
pub(crate) const BODY_PROBLEMS: &[ProblemKind] = &[
    ProblemKind::MalformedJson,
    ProblemKind::RequestTimeout,
    ProblemKind::PayloadTooLarge,
    ProblemKind::UnsupportedMediaType,
    ProblemKind::ValidationFailed,
];

/// The problems of an endpoint that runs a use case.
pub(crate) const USE_CASE_PROBLEMS: &[ProblemKind] = &[
    ProblemKind::RateLimited,
    ProblemKind::InternalError,
    ProblemKind::Overloaded,
    ProblemKind::Unavailable,
];

/// The problems of an endpoint that requires credentials.
pub(crate) const CREDENTIALS_PROBLEMS: &[ProblemKind] =
    &[ProblemKind::InvalidCredentials, ProblemKind::AlreadyActive];

/// The problems of an operation of the product on one user.
pub(crate) const LOOK_UP_PROBLEMS: &[ProblemKind] = &[
    ProblemKind::InvalidToken,
    ProblemKind::UserNotFound,
    ProblemKind::ValidationFailed,
    ProblemKind::InternalError,
    ProblemKind::Unavailable,
];

/// [`NEGOTIATION_PROBLEMS`] as the only responses.
pub(crate) struct NegotiationProblems;

impl IntoResponses for NegotiationProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        describe_problems(&[NEGOTIATION_PROBLEMS])
    }
}

/// One response per status, which lists every kind of problem that has it. The last kind is the
/// example.
pub(crate) fn describe_problems(groups: &[&[ProblemKind]]) -> BTreeMap<String, RefOr<Response>> {
    let problems = groups.concat();
    let describe = |kind: &ProblemKind| {
        let same_status = problems.iter().filter(|other| other.status() == kind.status());
        let lines: Vec<_> = same_status.copied().map(describe_kind).collect();
        (kind.status().as_str().to_owned(), describe_response(*kind, &lines.join("\n\n")).into())
    };
    problems.iter().map(describe).collect()
}

fn describe_kind(kind: ProblemKind) -> String {
    format!("`{}`: {}", kind.code(), kind.meaning(Language::English))
}

fn describe_response(kind: ProblemKind, description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem")));
    let content = content.example(Some(build_example(kind))).build();
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .header("Content-Language", describe_header(Type::String, "The language of the texts."));
    match kind.status() {
        StatusCode::UNAUTHORIZED => {
            let standard = if kind == ProblemKind::InvalidCredentials { "7617" } else { "6750" };
            let description = format!("The challenge of RFC {standard}.");
            let challenge = describe_header(Type::String, &description);
            response.header("WWW-Authenticate", challenge)
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            response.header("Retry-After", describe_header(Type::Integer, "Seconds to wait."))
        }
        _ => response,
    }
    .build()
}

pub(crate) fn describe_header(kind: Type, description: &str) -> Header {
    let mut header = Header::new(Object::with_type(kind));
    header.description = Some(description.into());
    header
}

/// A document of a problem of this kind.
fn build_example(kind: ProblemKind) -> Value {
    let mut example = json!({
        "type": kind.type_uri(&PublicUrl::default()),
        "title": kind.title(Language::English),
        "status": kind.status().as_u16(),
        "detail": kind.meaning(Language::English),
        "code": kind.code(),
    });
    if kind == ProblemKind::ValidationFailed {
        let detail = FieldText::Password(PasswordError::TooShort(8)).text(Language::English);
        example["errors"] =
            json!([{"pointer": "/password", "code": "password-too-short", "detail": detail}]);
    }
    example
}
