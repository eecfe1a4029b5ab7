//! `POST /api/v1/users/activate`.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload, ReqData};
use actix_web::{HttpRequest, HttpResponse};
use domain::{CodeLength, SubmittedCode, TraceParent};
use serde::Serialize;
use utoipa::openapi::{RefOr, Response};
use utoipa::{IntoResponses, ToSchema};
use zeroize::Zeroizing;

use super::language_header::LanguageHeader;
use crate::http::accept_language::wanted_languages;
use crate::http::basic_auth::BasicAuth;
use crate::http::content_negotiation::AcceptsJson;
use crate::http::json_body::{self, Fields};
use crate::http::problem::Problem;
use crate::http::problem_kind::ProblemKind;
use crate::http::problem_responses::{
    BODY_PROBLEMS, CREDENTIALS_PROBLEMS, NEGOTIATION_PROBLEMS, USE_CASE_PROBLEMS, describe_problems,
};
use crate::http::state::AppState;
use crate::http::texts::{Announcement, Detail, FieldText, Language};
use crate::limits::{Action, RequestLimits};
use crate::use_cases::ActivateError;

/// The code from the mail.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; json_body reads it")]
struct ActivateRequest {
    /// The digits, as a string: leading zeros count. Spaces and hyphens in it are passed over, and
    /// full-width digits are digits, so that it can be sent as it was typed or pasted.
    #[schema(examples("0427"))]
    code: String,
}

/// An account that has just become active.
#[derive(Serialize, ToSchema)]
struct ActivateResponse {
    /// Identifies the account.
    #[schema(format = "uuid", examples("01890a5d-ac96-774b-bcce-b302099a8057"))]
    user_id: String,
    /// Its address.
    #[schema(format = "email", examples("ada@example.com"))]
    email: String,
    /// Always true.
    #[schema(examples(true))]
    is_active: bool,
    /// A human-readable confirmation.
    #[schema(examples("The account is active."))]
    message: String,
}

struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        describe_problems(&[
            NEGOTIATION_PROBLEMS,
            BODY_PROBLEMS,
            USE_CASE_PROBLEMS,
            CREDENTIALS_PROBLEMS,
            &[ProblemKind::CodeInvalid, ProblemKind::CodeExpired, ProblemKind::TooManyAttempts],
        ])
    }
}

/// Activate the account
///
/// Takes the code from the mail, with the address and password of the registration as Basic
/// credentials.
#[utoipa::path(
    post,
    path = "/api/v1/users/activate",
    operation_id = "activate",
    tag = "users",
    params(LanguageHeader),
    request_body = ActivateRequest,
    responses(
        (
            status = 200, description = "The account is active.", body = ActivateResponse,
            headers(("Content-Language" = String, description = "The language of the texts."))
        ),
        Problems
    ),
    security(("basic" = []))
)]
pub(crate) async fn activate(
    _: AcceptsJson,
    state: Data<AppState>,
    trace: ReqData<TraceParent>,
    limits: ReqData<RequestLimits>,
    basic_auth: BasicAuth,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    limits.check_client(Action::Activate).await?;
    // Credentials are checked before the body, but the body is read first: unread, it would cost
    // the connection.
    let body = json_body::read(&request, payload, state.options.body_timeout).await;
    let credentials = basic_auth.require()?;
    let code = validate(body?, state.options.code_length, &state.options.previous_code_lengths)?;
    let activated = state
        .activate
        .execute(&credentials, &code, *trace, &limits)
        .await
        .map_err(|error| to_problem(error, state.options.code_window))?;
    let language = Language::of(&wanted_languages(&request));
    Ok(language.respond(StatusCode::OK).json(ActivateResponse {
        user_id: activated.user_id.to_string(),
        email: activated.email.as_str().to_owned(),
        is_active: true,
        message: Announcement::Active.text(language),
    }))
}

fn validate(
    mut fields: Fields,
    length: CodeLength,
    previous: &[CodeLength],
) -> Result<SubmittedCode, Problem> {
    let Some(text) = fields.take_string("/code").map(Zeroizing::new) else {
        return Err(fields.into_problem());
    };
    match SubmittedCode::parse(&text) {
        Ok(code) if previous.iter().chain([&length]).any(|length| code.has_length(*length)) => {
            Ok(code)
        }
        Ok(_) | Err(_) => {
            let digits = length.digits();
            fields.add_error("/code", "code-malformed", FieldText::Code { digits });
            Err(fields.into_problem())
        }
    }
}

/// The answer to a failed activation. A code that was tried too often has expired after
/// `code_window` at the latest.
fn to_problem(error: ActivateError, code_window: Duration) -> Problem {
    match error {
        ActivateError::Limited(limit) => limit.into(),
        ActivateError::Authentication(error) => error.into(),
        ActivateError::AlreadyActive => Problem::new(ProblemKind::AlreadyActive),
        ActivateError::CodeUsed => {
            Problem::with_detail(ProblemKind::AlreadyActive, Detail::CodeUsed)
        }
        ActivateError::CodeInvalid { attempts_left } => {
            let detail = attempts_left
                .map_or(Detail::CodeReplaced, |attempts_left| Detail::CodeWrong { attempts_left });
            Problem::with_detail(ProblemKind::CodeInvalid, detail)
        }
        ActivateError::CodeNotMailed => {
            Problem::with_detail(ProblemKind::CodeInvalid, Detail::CodeNotMailed)
        }
        ActivateError::CodeExpired => Problem::new(ProblemKind::CodeExpired),
        ActivateError::AttemptsExhausted => {
            Problem::with_detail(ProblemKind::TooManyAttempts, Detail::CodeTriedTooOften)
                .retry_after(code_window)
        }
        ActivateError::GuessesExhausted { retry_after } => {
            Problem::with_detail(ProblemKind::TooManyAttempts, Detail::AddressTriedTooOften)
                .retry_after(retry_after)
        }
        ActivateError::ClientExhausted(limit) => {
            Problem::with_detail(ProblemKind::TooManyAttempts, Detail::ClientTriedTooOften)
                .retry_after(limit.retry_after)
        }
        ActivateError::Concealed => Problem::concealed_refusal(),
        ActivateError::Repository(error) => error.into(),
        ActivateError::CodeStoreDown(error) | ActivateError::CodeStore(error) => error.into(),
        ActivateError::UnknownKey(error) => error.into(),
        ActivateError::Budget(error) => error.into(),
        ActivateError::CutShort(error) => error.into(),
    }
}
