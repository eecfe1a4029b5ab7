//! `GET /v1/users?email=…`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::account_response::{AccountResponse, answer};
use super::get_user::Problems;
use crate::http::content_negotiation::AcceptsJson;
use crate::http::json_body::Fields;
use crate::http::problem::Problem;
use crate::http::product::state::ProductState;

/// Find an account by its address
///
/// Addresses are compared without regard to case.
#[utoipa::path(
    get,
    path = "/v1/users",
    operation_id = "find_user",
    tag = "users",
    params((
        "email" = String, Query, format = "email", max_length = 254, example = "ada@example.com",
        description = "The address. In a query, a `+` has to be written as `%2B`."
    )),
    responses((status = 200, description = "The account.", body = AccountResponse), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn find_user(
    _: AcceptsJson,
    state: Data<ProductState>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::of_query(request.query_string());
    fields.refuse_others(&["email"]);
    let email = fields.take_email("/email");
    let Some(email) = email.filter(|_| fields.are_valid()) else {
        return Err(fields.into_target_problem());
    };
    answer(state.accounts.find_by_email(&email).await?)
}
