//! `GET /v1/users/{id}`.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::IntoResponses;
use utoipa::openapi::{RefOr, Response};

use super::account_response::{AccountResponse, answer};
use super::target::read_user_id;
use crate::http::content_negotiation::AcceptsJson;
use crate::http::problem::Problem;
use crate::http::problem_responses::{LOOK_UP_PROBLEMS, NEGOTIATION_PROBLEMS, describe_problems};
use crate::http::product::state::ProductState;

/// The problems of a look-up.
pub(super) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        describe_problems(&[NEGOTIATION_PROBLEMS, LOOK_UP_PROBLEMS])
    }
}

/// Look an account up
///
/// A registration that waits for its code is found too: see `is_active`. It loses its identifier when
/// its address is claimed anew, and when it is purged.
#[utoipa::path(
    get,
    path = "/v1/users/{id}",
    operation_id = "get_user",
    tag = "users",
    params(("id" = String, Path, format = "uuid", description = "The `user_id`.")),
    responses((status = 200, description = "The account.", body = AccountResponse), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn get_user(
    _: AcceptsJson,
    state: Data<ProductState>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    answer(state.accounts.find(read_user_id(&request)?).await?)
}
