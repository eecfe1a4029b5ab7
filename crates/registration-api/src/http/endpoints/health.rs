//! `GET /health/live` and `GET /health/ready`.
//!
//! Liveness checks no dependency: restarting this process fixes no database.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use process::health::ReadinessReport;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::content_negotiation::HealthFormat;
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
    responses(
        (
            status = 200, description = "The process runs.",
            content((LivenessReport = "application/json"), (String = "text/plain", example = json!("live\n")))
        ),
        NegotiationProblems
    )
)]
pub(crate) async fn live(format: HealthFormat) -> HttpResponse {
    answer(format, StatusCode::OK, "live", LivenessReport { status: "live" })
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
        (
            status = 200, description = "Ready, or degraded: see the dependencies.",
            content((ReadinessReport = "application/json"), (String = "text/plain", example = json!("ready\n")))
        ),
        (
            status = 503, description = "A required dependency does not answer, or the service is about to end.",
            content((ReadinessReport = "application/json"), (String = "text/plain", example = json!("draining\n")))
        ),
        NegotiationProblems
    )
)]
pub(crate) async fn ready(format: HealthFormat, state: Data<AppState>) -> HttpResponse {
    let report = state.health.readiness().await;
    answer(format, report.status.http_status(), report.status.name(), report)
}

fn answer(
    format: HealthFormat,
    status: StatusCode,
    name: &str,
    report: impl Serialize,
) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    match format {
        HealthFormat::Json => response.json(report),
        HealthFormat::Text => {
            response.content_type("text/plain; charset=utf-8").body(format!("{name}\n"))
        }
    }
}
