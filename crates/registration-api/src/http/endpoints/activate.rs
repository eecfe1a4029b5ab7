//! `POST /api/v1/users/activate`.

use actix_web::web::{Data, Payload, ReqData};
use actix_web::{HttpRequest, HttpResponse};
use domain::{CodeLength, TraceParent};

use crate::http::basic_auth::BasicAuth;
use crate::http::content_negotiation::AcceptsJson;
use crate::http::json_body::{self, Fields};
use crate::http::messages::{ActivateRequest, ActivateResponse};
use crate::http::problem::Problem;
use crate::http::state::AppState;
use crate::limits::Action;

/// Activate the account
///
/// Takes the code from the mail, with the address and password of the registration as Basic credentials.
#[utoipa::path(
    post,
    path = "/api/v1/users/activate",
    operation_id = "activate",
    tag = "users",
    request_body = ActivateRequest,
    responses((status = 200, description = "The account is active.", body = ActivateResponse)),
    security(("basic" = []))
)]
pub(crate) async fn activate(
    _: AcceptsJson,
    state: Data<AppState>,
    trace: ReqData<TraceParent>,
    basic_auth: BasicAuth,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let client = state.options.trusted_proxies.client_of(&request);
    state.limits.check_client(Action::Activate, client).await?;
    // Credentials are judged first, but the body is read before: an unread one would cost the connection.
    let body = json_body::read(&request, payload, state.options.body_timeout).await;
    let credentials = basic_auth.credentials()?;
    let code = validate(body?, state.options.code_length)?;
    let activated = state
        .activate
        .activate(&credentials, &code, *trace)
        .await
        .map_err(|error| Problem::of_activation(error, state.options.code_window))?;
    Ok(HttpResponse::Ok().json(ActivateResponse {
        user_id: activated.user_id.to_string(),
        email: activated.email.as_str().to_owned(),
        is_active: true,
        message: "The account is active.".into(),
    }))
}

fn validate(mut fields: Fields, length: CodeLength) -> Result<String, Problem> {
    let digits = length.digits();
    match fields.string("/code") {
        Some(code) if code.len() == digits && code.bytes().all(|byte| byte.is_ascii_digit()) => Ok(code),
        Some(_) => {
            fields.refuse("/code", "code-malformed", format!("a code has exactly {digits} digits"));
            Err(fields.into_problem())
        }
        None => Err(fields.into_problem()),
    }
}
