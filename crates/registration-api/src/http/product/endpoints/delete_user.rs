//! `DELETE /v1/users/{id}`.

use actix_web::web::{Data, ReqData};
use actix_web::{HttpRequest, HttpResponse};
use domain::TraceParent;

use super::get_user::Problems;
use super::target::read_user_id;
use crate::http::content_negotiation::AcceptsJson;
use crate::http::problem::Problem;
use crate::http::problem_kind::ProblemKind;
use crate::http::product::state::ProductState;

/// Delete an account
///
/// For good: its address is in no store afterwards, and `user.deleted` is published. The address can
/// be registered anew; limits and guesses that were used up stay so until they expire.
#[utoipa::path(
    delete,
    path = "/v1/users/{id}",
    operation_id = "delete_user",
    tag = "users",
    params(("id" = String, Path, format = "uuid", description = "The `user_id`.")),
    responses((status = 204, description = "The account is gone."), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn delete_user(
    _: AcceptsJson,
    state: Data<ProductState>,
    trace: ReqData<TraceParent>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    if state.delete_user.execute(read_user_id(&request)?, *trace).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(Problem::new(ProblemKind::UserNotFound))
    }
}
