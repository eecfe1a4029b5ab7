//! `POST /v1/users/verify-password`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use domain::Password;
use secrecy::SecretString;
use utoipa::openapi::{RefOr, Response};
use utoipa::{IntoResponses, ToSchema};

use super::account_response::AccountResponse;
use super::target::refuse_query;
use crate::http::content_negotiation::AcceptsJson;
use crate::http::json_body::{self, Fields};
use crate::http::problem::Problem;
use crate::http::problem_kind::ProblemKind;
use crate::http::problem_responses::{
    BODY_PROBLEMS, NEGOTIATION_PROBLEMS, USE_CASE_PROBLEMS, describe_problems,
};
use crate::http::product::state::ProductState;
use crate::http::texts::FieldText;
use crate::use_cases::{AuthenticationError, Credentials, VerifyPasswordError};

/// What a person has typed, and where.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; json_body reads it")]
struct VerifyPasswordRequest {
    /// The address.
    #[schema(format = "email", max_length = 254, examples("ada@example.com"))]
    email: String,
    /// The password. Neither trimmed nor cut.
    #[schema(format = "password", examples("correct horse battery staple"))]
    password: String,
    /// The IP address that the person comes from. Wrong passwords are also limited by it, where it
    /// is given.
    #[schema(required = false, nullable = false, examples("203.0.113.7"))]
    client: Option<String>,
}

struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        describe_problems(&[
            NEGOTIATION_PROBLEMS,
            BODY_PROBLEMS,
            USE_CASE_PROBLEMS,
            &[ProblemKind::NotActive, ProblemKind::InvalidToken, ProblemKind::WrongCredentials],
        ])
    }
}

/// Verify a password
///
/// For the product's own log-in form. An unknown address and a wrong password get the same answer
/// after the same time. Wrong passwords are limited by address and by `client`; right ones cost
/// nothing. Registration and activation come first: under load the answer is 503.
#[utoipa::path(
    post,
    path = "/v1/users/verify-password",
    operation_id = "verify_password",
    tag = "users",
    request_body = VerifyPasswordRequest,
    responses(
        (status = 200, description = "The password is right and the account active.", body = AccountResponse),
        Problems
    ),
    security(("bearer" = []))
)]
pub(crate) async fn verify_password(
    _: AcceptsJson,
    state: Data<ProductState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    // Read first: unread, a body would cost the connection.
    let body = json_body::read(&request, payload, state.body_timeout).await;
    refuse_query(&request)?;
    let (credentials, client) = validate(body?)?;
    let account = state.verify_password.execute(&credentials, client).await?;
    Ok(HttpResponse::Ok().json(AccountResponse::from(account)))
}

fn validate(mut fields: Fields) -> Result<(Credentials, Option<IpAddr>), Problem> {
    fields.refuse_others(&["email", "password", "client"]);
    let email = fields.take_email("/email");
    let password = fields.take_string("/password");
    let client = fields.take_optional_string("/client").and_then(|text| {
        let client = text.parse();
        if client.is_err() {
            fields.add_error("/client", "client-malformed", FieldText::NotAnIpAddress);
        }
        client.ok()
    });
    match (email, password) {
        (Some(email), Some(password)) if fields.are_valid() => {
            let password = Password::claimed(SecretString::from(password));
            Ok((Credentials { email, password }, client))
        }
        _ => Err(fields.into_problem()),
    }
}

impl From<VerifyPasswordError> for Problem {
    fn from(error: VerifyPasswordError) -> Self {
        match error {
            VerifyPasswordError::Limited(limit) => limit.into(),
            VerifyPasswordError::Authentication(AuthenticationError::Rejected) => {
                Self::wrong_credentials()
            }
            VerifyPasswordError::Authentication(error) => error.into(),
            VerifyPasswordError::NotActive => Self::new(ProblemKind::NotActive),
            VerifyPasswordError::Repository(error) => error.into(),
        }
    }
}
