//! `GET /api/v1/openapi.json`.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::http::content_negotiation::AcceptsJson;
use crate::http::problem_responses::NegotiationProblems;

/// The OpenAPI document in JSON, as it is served.
pub(crate) struct OpenApiDocument(pub(crate) String);

/// The description of the API
///
/// For tools that generate clients.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
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
