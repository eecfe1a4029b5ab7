//! Whether the process can do its work: one check a dependency, each bounded in time.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long one dependency may take to answer.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an answer is given again: a flood of health requests must not become a flood of pings.
const CACHE_TIME: Duration = Duration::from_millis(500);

type Ping = Box<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// A dependency and how to ask it.
pub struct Check {
    name: &'static str,
    required: bool,
    ping: Ping,
}

impl Check {
    /// A dependency without which nothing works: its failure takes the process out of service.
    pub fn required<F, P>(name: &'static str, ping: P) -> Self
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = bool> + Send + 'static,
    {
        Self { name, required: true, ping: Box::new(move || Box::pin(ping())) }
    }

    /// A dependency whose failure the process outlasts: it is reported, and service goes on.
    pub fn optional<F, P>(name: &'static str, ping: P) -> Self
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = bool> + Send + 'static,
    {
        Self { required: false, ..Self::required(name, ping) }
    }
}

/// The state of the process and of each dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The state as a whole.
    pub status: Status,
    /// The state of each dependency by name.
    pub checks: BTreeMap<&'static str, CheckStatus>,
}

/// The state as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every dependency answers.
    Ready,
    /// A dependency fails that the process outlasts.
    Degraded,
    /// A required dependency fails.
    Unavailable,
}

/// The state of a dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// It answers.
    Up,
    /// It does not answer, or not in time.
    Down,
}

/// The checks of a process. Cheap to clone.
#[derive(Clone)]
pub struct Readiness {
    checks: Arc<Vec<Check>>,
    latest: Arc<Mutex<Option<(Instant, Report)>>>,
}

impl Readiness {
    /// Asks these dependencies.
    pub fn new(checks: Vec<Check>) -> Self {
        Self { checks: Arc::new(checks), latest: Arc::default() }
    }

    /// The state now, or as it was half a second ago at most. Callers share one round of pings.
    pub async fn report(&self) -> Report {
        let mut latest = self.latest.lock().await;
        if let Some((at, report)) = &*latest
            && at.elapsed() < CACHE_TIME
        {
            return report.clone();
        }
        let report = self.ask().await;
        *latest = Some((Instant::now(), report.clone()));
        report
    }

    async fn ask(&self) -> Report {
        let answers = join_all(self.checks.iter().map(|check| async move {
            let is_up = timeout(CHECK_TIMEOUT, (check.ping)()).await.unwrap_or(false);
            (check, is_up)
        }))
        .await;
        let worst = answers.iter().filter(|(_, is_up)| !is_up).map(|(check, _)| check.required).max();
        Report {
            status: match worst {
                None => Status::Ready,
                Some(false) => Status::Degraded,
                Some(true) => Status::Unavailable,
            },
            checks: answers
                .iter()
                .map(|(check, is_up)| (check.name, if *is_up { CheckStatus::Up } else { CheckStatus::Down }))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn status(checks: Vec<Check>) -> Status {
        Readiness::new(checks).report().await.status
    }

    #[tokio::test]
    async fn only_a_required_dependency_takes_the_process_out_of_service() {
        let up = || async { true };
        let down = || async { false };
        assert_eq!(status(vec![Check::required("a", up), Check::optional("b", up)]).await, Status::Ready);
        assert_eq!(
            status(vec![Check::required("a", up), Check::optional("b", down)]).await,
            Status::Degraded
        );
        assert_eq!(
            status(vec![Check::required("a", down), Check::optional("b", down)]).await,
            Status::Unavailable
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_dependency_that_hangs_is_down() {
        let report =
            Readiness::new(vec![Check::optional("silent", std::future::pending::<bool>)]).report().await;
        assert_eq!(report.checks["silent"], CheckStatus::Down);
    }
}
