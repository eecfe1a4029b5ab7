//! `POST /api/v1/users/resend-code`.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, ReqData};
use domain::TraceParent;
use utoipa::IntoResponses;
use utoipa::openapi::{RefOr, Response};

use super::code_announcement::CodeAnnouncement;
use super::language_header::LanguageHeader;
use crate::http::accept_language::AcceptLanguage;
use crate::http::basic_auth::BasicAuth;
use crate::http::content_negotiation::AcceptsJson;
use crate::http::problem::Problem;
use crate::http::problem_kind::ProblemKind;
use crate::http::problem_responses::{
    CREDENTIALS_PROBLEMS, NEGOTIATION_PROBLEMS, USE_CASE_PROBLEMS, describe_problems,
};
use crate::http::state::AppState;
use crate::http::texts::{Announcement, Language};
use crate::limits::{Action, RequestLimits};
use crate::use_cases::{CodeResent, ResendCodeError};

struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        describe_problems(&[NEGOTIATION_PROBLEMS, USE_CASE_PROBLEMS, CREDENTIALS_PROBLEMS])
    }
}

/// Request another code
///
/// Mails a new code, which replaces every earlier one. Needs no body. The mail, and those after it,
/// are in the languages of `Accept-Language`, if it names any.
#[utoipa::path(
    post,
    path = "/api/v1/users/resend-code",
    operation_id = "resend_code",
    tag = "users",
    params(LanguageHeader),
    responses(
        (
            status = 200, description = "Another code is on its way.", body = CodeAnnouncement,
            headers(("Content-Language" = String, description = "The language of the texts."))
        ),
        (
            status = 202,
            description = "Accepted. The answer for all credentials if the service conceals which addresses are registered.",
            body = CodeAnnouncement,
            headers(("Content-Language" = String, description = "The language of the texts."))
        ),
        Problems
    ),
    security(("basic" = []))
)]
pub(crate) async fn resend_code(
    _: AcceptsJson,
    state: Data<AppState>,
    trace: ReqData<TraceParent>,
    limits: ReqData<RequestLimits>,
    AcceptLanguage(accepted): AcceptLanguage,
    basic_auth: BasicAuth,
) -> Result<HttpResponse, Problem> {
    limits.check_client(Action::ResendCode).await?;
    let credentials = basic_auth.require()?;
    let language = Language::of(&accepted);
    let seconds = state.options.code_window.as_secs();
    Ok(match state.resend_code.execute(&credentials, accepted, *trace, &limits).await? {
        CodeResent::Mailed { email } => language.respond(StatusCode::OK).json(CodeAnnouncement {
            email: email.as_str().to_owned(),
            message: Announcement::AnotherCode { seconds }.text(language),
        }),
        CodeResent::Concealed => language.respond(StatusCode::ACCEPTED).json(CodeAnnouncement {
            email: credentials.email.as_str().to_owned(),
            message: Announcement::PerhapsAnotherCode.text(language),
        }),
    })
}

impl From<ResendCodeError> for Problem {
    fn from(error: ResendCodeError) -> Self {
        match error {
            ResendCodeError::Limited(limit) => limit.into(),
            ResendCodeError::Authentication(error) => error.into(),
            ResendCodeError::AlreadyActive => Self::new(ProblemKind::AlreadyActive),
            ResendCodeError::Repository(error) => error.into(),
            ResendCodeError::CutShort(error) => error.into(),
        }
    }
}
