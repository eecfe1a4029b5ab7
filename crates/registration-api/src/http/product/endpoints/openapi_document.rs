//! `GET /v1/openapi.json`.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::http::content_negotiation::AcceptsJson;
use crate::http::endpoints::OpenApiDocument;
use crate::http::problem_responses::NegotiationProblems;

/// The description of these operations
///
/// For tools that generate clients.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    operation_id = "openapi",
    tag = "meta",
    responses(
        (
            status = 200, description = "An OpenAPI 3.1 document.",
            content_type = "application/json", body = Object
        ),
        NegotiationProblems
    )
)]
pub(crate) async fn openapi_document(
    _: AcceptsJson,
    document: Data<OpenApiDocument>,
) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document.0.clone())
}
