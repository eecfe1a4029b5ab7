//! Whether a process can do its work: one check per dependency, each bounded in time.
//!
//! Causes go to the log and never into an answer.

mod check;
mod report;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics;

pub use check::HealthCheck;
pub use report::{DependencyState, DependencyStatus, Readiness, ReadinessReport};

/// How long an answer of the dependencies is reused, so that probes put no load on them.
const MAX_AGE: Duration = Duration::from_secs(1);

/// How often the dependencies are asked for the log's sake.
const WATCH_INTERVAL: Duration = Duration::from_secs(5);

/// Asks the dependencies. Cheap to clone.
#[derive(Clone)]
pub struct Health {
    runtime: Handle,
    checks: Arc<Vec<HealthCheck>>,
    latest: Arc<Mutex<Option<(Instant, ReadinessReport)>>>,
    shutdown: CancellationToken,
}

impl Health {
    /// Asks these, on the runtime within which this is called: the connections that a check opens
    /// must not belong to the thread of the server that is asked, which ends before the process
    /// does. Once `shutdown` is cancelled, the process is draining.
    pub fn new(checks: Vec<HealthCheck>, shutdown: CancellationToken) -> Self {
        Self {
            runtime: Handle::current(),
            checks: Arc::new(checks),
            latest: Arc::default(),
            shutdown,
        }
    }

    /// The state now; that of the dependencies as it was a second ago at most.
    pub async fn readiness(&self) -> ReadinessReport {
        let report = self.dependencies().await;
        if self.shutdown.is_cancelled() {
            return ReadinessReport { status: Readiness::Draining, ..report };
        }
        report
    }

    async fn dependencies(&self) -> ReadinessReport {
        // Held while the dependencies are asked, so that probes at the same time share one answer.
        let mut latest = self.latest.lock().await;
        if let Some((asked, report)) = &*latest
            && asked.elapsed() < MAX_AGE
        {
            return report.clone();
        }
        let answers = join_all(self.checks.iter().map(|check| check.ask(&self.runtime))).await;
        for (check, answer) in self.checks.iter().zip(&answers) {
            metrics::set_dependency_up(check.name, answer.is_ok());
            let before =
                latest.as_ref().and_then(|(_, report)| report.dependencies.get(check.name));
            check.log_change(
                before.is_none_or(|before| before.status == DependencyStatus::Up),
                answer,
            );
        }
        let up: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        let report = ReadinessReport::of(&self.checks, &up);
        let before = latest.as_ref().map_or(Readiness::Ready, |(_, report)| report.status);
        if report.status != before {
            let down: Vec<_> = report.down().collect();
            tracing::warn!(event = "readiness.changed", from = ?before, to = ?report.status, ?down, "readiness changed");
        }
        *latest = Some((Instant::now(), report.clone()));
        report
    }

    /// Asks again and again, so that the log tells of an outage even if nobody asks for readiness.
    pub(crate) async fn watch(self) {
        loop {
            // First: what connects in the background has a moment to do so.
            tokio::time::sleep(WATCH_INTERVAL).await;
            self.readiness().await;
        }
    }
}
