//! `POST /api/v1/users/resend-code`.

use actix_web::web::{Data, ReqData};
use actix_web::{HttpRequest, HttpResponse};
use domain::TraceParent;

use crate::http::basic_auth::BasicAuth;
use crate::http::content_negotiation::AcceptsJson;
use crate::http::messages::ResendCodeResponse;
use crate::http::problem::Problem;
use crate::http::state::AppState;
use crate::limits::Action;

/// Ask for another code
///
/// Mails a new code, which replaces every earlier one. Needs no body.
#[utoipa::path(
    post,
    path = "/api/v1/users/resend-code",
    operation_id = "resend_code",
    tag = "users",
    responses((status = 200, description = "Another code is on its way.", body = ResendCodeResponse)),
    security(("basic" = []))
)]
pub(crate) async fn resend_code(
    _: AcceptsJson,
    state: Data<AppState>,
    trace: ReqData<TraceParent>,
    basic_auth: BasicAuth,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let client = state.options.trusted_proxies.client_of(&request);
    state.limits.check_client(Action::ResendCode, client).await?;
    let credentials = basic_auth.credentials()?;
    let email = state.resend_code.resend_code(&credentials, *trace).await?;
    let seconds = state.options.code_window.as_secs();
    Ok(HttpResponse::Ok().json(ResendCodeResponse {
        email: email.as_str().to_owned(),
        message: format!("Another code is on its way. Send it back within {seconds} seconds of being sent."),
    }))
}
