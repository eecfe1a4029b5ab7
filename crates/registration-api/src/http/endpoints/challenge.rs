//! `GET /api/v1/users/challenge`.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::http::content_negotiation::AcceptsJson;
use crate::http::problem::Problem;
use crate::http::problem_kind::ProblemKind;
use crate::http::problem_responses::NegotiationProblems;
use crate::http::proof_of_work::ChallengeDocument;
use crate::http::state::AppState;

/// Ask for a challenge
///
/// A registration needs a solved challenge: the number
/// from 0 to `maxnumber` for which SHA-256 of `salt` and the number in decimal digits is `challenge`.
/// Base64 of the JSON object `{"algorithm", "challenge", "number", "salt", "signature"}` is the
/// `proof_of_work` of the registration. Each challenge is accepted once. The format is that of ALTCHA,
/// version 1.
#[utoipa::path(
    get,
    path = "/api/v1/users/challenge",
    operation_id = "challenge",
    tag = "users",
    responses((status = 200, description = "A challenge of its own.", body = ChallengeDocument), NegotiationProblems)
)]
pub(crate) async fn challenge(
    _: AcceptsJson,
    state: Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let proof = state.proof_of_work.as_ref().ok_or_else(|| Problem::new(ProblemKind::NotFound))?;
    Ok(HttpResponse::Ok().json(proof.issue()))
}
