//! `GET /health/live` and `GET /health/ready`.
//!
//! Liveness checks no dependency: restarting this process fixes no database.

use actix_web::HttpResponse;
use actix_web::web::Data;
use process::health::ReadinessReport;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::content_negotiation::AcceptsJson;
use crate::http::problem_responses::NegotiationProblems;
use crate::http::state::AppState;

/// The process runs.
#[derive(Serialize, ToSchema)]
pub(crate) struct LivenessReport {
    /// Always `live`.
    #[schema(examples("live"))]
    status: &'static str,
}

/// Whether the process runs
///
/// Checks no dependency.
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "live",
    tag = "health",
    responses((status = 200, description = "The process runs.", body = LivenessReport), NegotiationProblems)
)]
pub(crate) async fn live(_: AcceptsJson) -> HttpResponse {
    HttpResponse::Ok().json(LivenessReport { status: "live" })
}

/// Whether the service can do its work
///
/// Ready or degraded: registrations are accepted. The answer is at most one second old.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "ready",
    tag = "health",
    responses(
        (status = 200, description = "Ready, or degraded: see the dependencies.", body = ReadinessReport),
        (status = 503, description = "A required dependency does not answer.", body = ReadinessReport),
        NegotiationProblems
    )
)]
pub(crate) async fn ready(_: AcceptsJson, state: Data<AppState>) -> HttpResponse {
    let report = state.health.readiness().await;
    HttpResponse::build(report.status.http_status()).json(report)
}
