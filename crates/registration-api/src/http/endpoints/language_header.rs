//! The header in which a client says what its user reads.

use utoipa::IntoParams;

/// `Accept-Language`, as the OpenAPI document describes it.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header; accept_language reads it")]
pub(super) struct LanguageHeader {
    /// The languages of the user (RFC 9110 section 12.5.4). Answers are in English or French; mails
    /// can be in others too. Codes and types are the same in all.
    #[param(rename = "Accept-Language", required = false, example = "fr-CA, fr;q=0.9, en;q=0.5")]
    accept_language: Option<String>,
}
