//! What readiness answers.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::check::HealthCheck;

/// Whether the service can do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Readiness {
    /// Every dependency answers.
    Ready,
    /// Registrations are accepted; what else needs a missing dependency waits or answers 503.
    Degraded,
    /// A required dependency is missing.
    Unavailable,
    /// The process was asked to stop: send it no more requests. Those that come are still answered.
    Draining,
}

impl Readiness {
    /// Its name, as in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Unavailable => "unavailable",
            Self::Draining => "draining",
        }
    }

    /// The HTTP status of a report with this readiness.
    pub fn http_status(self) -> StatusCode {
        match self {
            Self::Ready | Self::Degraded => StatusCode::OK,
            Self::Unavailable | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Whether a dependency answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DependencyStatus {
    /// It answers.
    Up,
    /// It does not.
    Down,
}

/// One dependency.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DependencyState {
    /// Whether it answers.
    pub status: DependencyStatus,
    /// Whether the service is unavailable without it.
    #[schema(examples(true))]
    pub required: bool,
}

/// The state of the service and of what it depends on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReadinessReport {
    /// The state as a whole.
    pub status: Readiness,
    /// By name.
    #[schema(examples("postgres"))]
    pub dependencies: BTreeMap<&'static str, DependencyState>,
}

impl ReadinessReport {
    pub(super) fn of(checks: &[HealthCheck], answers: &[bool]) -> Self {
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

    /// The names of the dependencies that do not answer.
    pub(super) fn down(&self) -> impl Iterator<Item = &'static str> {
        let down =
            self.dependencies.iter().filter(|(_, state)| state.status == DependencyStatus::Down);
        down.map(|(name, _)| *name)
    }
}
