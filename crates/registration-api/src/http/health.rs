//! `GET /health/live` and `GET /health/ready`.
//!
//! Liveness asks nothing of others: restarting this process mends no database. Causes go to the log and never
//! into an answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Data;
use domain::ports::Source;
use futures::future::{BoxFuture, FutureExt, join_all};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::accept::AcceptsJson;
use crate::AppState;
use crate::error_chain::ErrorChain;

/// How long an answer of the dependencies is reused, so that probes put no load on them.
const REUSE: Duration = Duration::from_secs(1);

/// How long a dependency may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

type Ping = Arc<dyn Fn() -> BoxFuture<'static, Result<(), Source>> + Send + Sync>;

/// One dependency that readiness asks.
#[derive(Clone)]
pub struct HealthCheck {
    name: &'static str,
    required: bool,
    ping: Ping,
}

impl HealthCheck {
    /// A dependency without which the service cannot do its work: while it is down, the service is not ready.
    pub fn required<P, F>(name: &'static str, ping: P) -> Self
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Source>> + Send + 'static,
    {
        Self { name, required: true, ping: Arc::new(move || ping().boxed()) }
    }

    /// A dependency whose absence only takes something away: the service is degraded, and ready.
    pub fn optional<P, F>(name: &'static str, ping: P) -> Self
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Source>> + Send + 'static,
    {
        Self { required: false, ..Self::required(name, ping) }
    }

    async fn is_up(&self) -> bool {
        let answer = tokio::time::timeout(PATIENCE, (self.ping)()).await;
        let name = self.name;
        match answer {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                let cause = ErrorChain(&*error);
                tracing::debug!(event = "health.down", dependency = name, error = %cause, "a dependency is down");
                false
            }
            Err(_) => {
                tracing::debug!(
                    event = "health.down",
                    dependency = name,
                    "a dependency does not answer in time"
                );
                false
            }
        }
    }
}

/// Whether the service can do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Readiness {
    /// Every dependency answers.
    Ready,
    /// Registrations are accepted; what else needs a missing dependency waits or answers 503.
    Degraded,
    /// A required dependency is missing.
    Unavailable,
}

/// Whether a dependency answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DependencyStatus {
    /// It answers.
    Up,
    /// It does not.
    Down,
}

/// One dependency.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DependencyState {
    status: DependencyStatus,
    /// Whether the service is unavailable without it.
    required: bool,
}

/// The state of the service and of what it depends on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ReadinessReport {
    status: Readiness,
    /// By name.
    dependencies: BTreeMap<&'static str, DependencyState>,
}

impl ReadinessReport {
    fn of(checks: &[HealthCheck], answers: &[bool]) -> Self {
        let dependencies: BTreeMap<_, _> = checks
            .iter()
            .zip(answers)
            .map(|(check, up)| {
                let status = if *up { DependencyStatus::Up } else { DependencyStatus::Down };
                (check.name, DependencyState { status, required: check.required })
            })
            .collect();
        let is_down = |state: &&DependencyState| state.status == DependencyStatus::Down;
        let status = if dependencies.values().filter(is_down).any(|state| state.required) {
            Readiness::Unavailable
        } else if dependencies.values().any(|state| is_down(&state)) {
            Readiness::Degraded
        } else {
            Readiness::Ready
        };
        Self { status, dependencies }
    }
}

/// Asks the dependencies.
pub(crate) struct Health {
    checks: Vec<HealthCheck>,
    latest: Mutex<Option<(Instant, ReadinessReport)>>,
}

impl Health {
    pub(crate) fn new(checks: Vec<HealthCheck>) -> Self {
        Self { checks, latest: Mutex::new(None) }
    }

    /// The lock is held while the dependencies are asked, so that probes at the same time share one answer.
    async fn readiness(&self) -> ReadinessReport {
        let mut latest = self.latest.lock().await;
        if let Some((asked, report)) = &*latest
            && asked.elapsed() < REUSE
        {
            return report.clone();
        }
        let answers = join_all(self.checks.iter().map(HealthCheck::is_up)).await;
        let report = ReadinessReport::of(&self.checks, &answers);
        let before = latest.as_ref().map_or(Readiness::Ready, |(_, report)| report.status);
        if report.status != before {
            tracing::warn!(event = "readiness.changed", from = ?before, to = ?report.status, "readiness changed");
        }
        *latest = Some((Instant::now(), report.clone()));
        report
    }
}

/// The process runs.
#[derive(Serialize, ToSchema)]
pub(crate) struct LivenessReport {
    /// Always `live`.
    #[schema(examples("live"))]
    status: &'static str,
}

/// Whether the process runs
///
/// Asks nothing of its dependencies.
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "live",
    tag = "health",
    responses((status = 200, description = "The process runs.", body = LivenessReport))
)]
pub(crate) async fn live(_: AcceptsJson) -> HttpResponse {
    HttpResponse::Ok().json(LivenessReport { status: "live" })
}

/// Whether the service can do its work
///
/// Ready or degraded: registrations are accepted. The answer is at most a second old.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "ready",
    tag = "health",
    responses(
        (status = 200, description = "Ready, or degraded: see the dependencies.", body = ReadinessReport),
        (status = 503, description = "A required dependency does not answer.", body = ReadinessReport),
    )
)]
pub(crate) async fn ready(_: AcceptsJson, state: Data<AppState>) -> HttpResponse {
    let report = state.health.readiness().await;
    match report.status {
        Readiness::Ready | Readiness::Degraded => HttpResponse::Ok().json(report),
        Readiness::Unavailable => HttpResponse::ServiceUnavailable().json(report),
    }
}
