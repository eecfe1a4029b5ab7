//! Reads JSON bodies, bounded in size and time.
//!
//! Every error in a body is reported at once, with its JSON pointer. No report may repeat a value.

mod document;
mod fields;
#[cfg(test)]
mod tests;

use std::time::Duration;

use actix_web::http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap,
    HeaderValue,
};
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpMessage, HttpRequest};
use futures::StreamExt;

use self::document::Document;
pub(crate) use self::fields::Fields;
use super::problem::{FieldError, Problem};
use super::problem_kind::ProblemKind;
use super::texts::FieldText;

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
        Ok(Document::Object(fields)) => Ok(Fields::new(fields)),
        Ok(Document::Other) => Err(Problem::validation_failed(vec![FieldError {
            pointer: "".into(),
            code: "not-an-object",
            detail: FieldText::NotAnObject,
        }])),
        Err(_) => Err(Problem::new(ProblemKind::MalformedJson)),
    }
}
