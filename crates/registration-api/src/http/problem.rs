//! Problem documents, RFC 9457.
//!
//! Clients read only what is written here, in the language that they ask for. Causes never appear in
//! it: they go to the log.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem_kind::ProblemKind;
use super::public_url::PublicUrl;
use super::texts::{Detail, FieldText, Language};

/// The challenge of RFC 7617 section 2.1.
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Basic realm=\"registration\", charset=\"UTF-8\"");

/// The challenges of RFC 6750 section 3.
const BEARER_CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"product\"");
const INVALID_TOKEN: HeaderValue =
    HeaderValue::from_static("Bearer realm=\"product\", error=\"invalid_token\"");

/// An answer that is not a success.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    kind: ProblemKind,
    detail: Detail,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A problem document (RFC 9457): every answer that is not a success.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument {
    /// Where this kind of problem is documented; relative to this server, unless it has a public URL.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference", examples("/docs/problems#email-taken"))]
    type_uri: String,
    /// The kind of problem, human-readable.
    #[schema(examples("Address taken"))]
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, examples(409))]
    status: u16,
    /// What went wrong in this case, human-readable.
    detail: Cow<'static, str>,
    /// The kind of problem, machine-readable. Never renamed.
    #[schema(examples("email-taken"))]
    code: &'static str,
    /// Each error in the body, with status 422.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldErrorDocument>,
}

/// An error in a field of the body, or in a parameter of the path or the query.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldError)]
pub(crate) struct FieldErrorDocument {
    /// The field: a JSON pointer (RFC 6901). A parameter counts as a field.
    #[schema(examples("/password"))]
    pointer: Cow<'static, str>,
    /// The error, machine-readable.
    #[schema(examples("password-too-short"))]
    code: &'static str,
    /// The error, human-readable.
    detail: String,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    pub(crate) pointer: Cow<'static, str>,
    pub(crate) code: &'static str,
    pub(crate) detail: FieldText,
}

impl Problem {
    /// A problem described by its kind alone.
    pub(crate) fn new(kind: ProblemKind) -> Self {
        Self::with_detail(kind, Detail::Meaning(kind))
    }

    /// A problem with a more specific detail.
    pub(crate) fn with_detail(kind: ProblemKind, detail: Detail) -> Self {
        Self { kind, detail, errors: Vec::new(), headers: Vec::new() }
    }

    /// Missing, malformed, unknown and wrong credentials: all get the same answer.
    pub(crate) fn invalid_credentials() -> Self {
        Self::new(ProblemKind::InvalidCredentials).header(header::WWW_AUTHENTICATE, CHALLENGE)
    }

    /// Wrong credentials and wrong codes get the same answer where a difference would reveal which
    /// addresses are registered.
    pub(crate) fn concealed_refusal() -> Self {
        Self::with_detail(ProblemKind::InvalidCredentials, Detail::Concealed)
            .header(header::WWW_AUTHENTICATE, CHALLENGE)
    }

    /// A body with errors in its fields.
    pub(crate) fn validation_failed(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::with_detail(ProblemKind::ValidationFailed, Detail::SeeErrors) }
    }

    /// A path or a query with errors in its parameters.
    pub(crate) fn invalid_target(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::with_detail(ProblemKind::ValidationFailed, Detail::SeeTargetErrors) }
    }

    /// A request without the product's token, or with another. Only a request that presented
    /// one is told an error (RFC 6750 section 3.1).
    pub(crate) fn token_refused(is_presented: bool) -> Self {
        let challenge = if is_presented { INVALID_TOKEN } else { BEARER_CHALLENGE };
        Self::new(ProblemKind::InvalidToken).header(header::WWW_AUTHENTICATE, challenge)
    }

    /// An address and a password that the product asked about and that do not belong together.
    pub(crate) fn wrong_credentials() -> Self {
        Self::new(ProblemKind::WrongCredentials).header(header::WWW_AUTHENTICATE, BEARER_CHALLENGE)
    }

    /// A method that a path does not support; `allow` lists those it supports (RFC 9110 section
    /// 10.2.1).
    pub(crate) fn method_not_allowed(allow: &str) -> Self {
        let problem = Self::new(ProblemKind::MethodNotAllowed);
        match HeaderValue::from_str(allow) {
            Ok(value) => problem.header(header::ALLOW, value),
            Err(_) => problem,
        }
    }

    /// Adds `Retry-After` (RFC 9110 section 10.2.3), in seconds, rounded up.
    pub(crate) fn retry_after(self, delay: Duration) -> Self {
        let seconds = whole_seconds(delay);
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Identifies its kind.
    pub(crate) fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// What the client reads.
    pub(crate) fn document(&self, public_url: &PublicUrl, language: Language) -> ProblemDocument {
        let errors = self.errors.iter().map(|error| FieldErrorDocument {
            pointer: error.pointer.clone(),
            code: error.code,
            detail: error.detail.text(language),
        });
        ProblemDocument {
            type_uri: self.kind.type_uri(public_url),
            title: self.kind.title(language),
            status: self.kind.status().as_u16(),
            detail: self.detail.text(language),
            code: self.kind.code(),
            errors: errors.collect(),
        }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Rounds up, and never to 0: a client that retried at once would be refused again.
pub(crate) fn whole_seconds(delay: Duration) -> u64 {
    let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    seconds.max(1)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.title(Language::English))
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind.status()
    }

    /// Without its document, which [`write_problem`](super::problem_writer::write_problem) adds.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.kind.status());
        for header in &self.headers {
            response.insert_header(header.clone());
        }
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        let mut response = response.finish();
        response.extensions_mut().insert(self.clone());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9110_waits_are_rounded_up() {
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(2)), 2);
        assert_eq!(whole_seconds(Duration::from_millis(2001)), 3);
    }

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = ProblemKind::ALL.iter().map(|kind| kind.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ProblemKind::ALL.len());
    }
}
