//! Whether a process can do its work: one check a dependency, each bounded in time.
//!
//! Causes go to the log and never into an answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use domain::ports::Source;
use futures::future::{BoxFuture, FutureExt, join_all};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use utoipa::ToSchema;

use domain::ErrorChain;

use crate::metrics;

/// How long an answer of the dependencies is reused, so that probes put no load on them.
const MAX_AGE: Duration = Duration::from_secs(1);

/// How long a dependency may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// How often the dependencies are asked for the log's sake.
const WATCH_INTERVAL: Duration = Duration::from_secs(5);

type Ping = Arc<dyn Fn() -> BoxFuture<'static, Result<(), Source>> + Send + Sync>;

/// One dependency that readiness asks.
#[derive(Clone)]
pub struct HealthCheck {
    name: &'static str,
    required: bool,
    ping: Ping,
}

impl HealthCheck {
    /// A dependency without which the service cannot do its work: while it is down, the service is
    /// not ready.
    pub fn required<T, E>(
        name: &'static str,
        dependency: &Arc<T>,
        ping: for<'a> fn(&'a T) -> BoxFuture<'a, Result<(), E>>,
    ) -> Self
    where
        T: ?Sized + Send + Sync + 'static,
        E: Into<Source> + 'static,
    {
        let dependency = dependency.clone();
        let ping = move || {
            let dependency = dependency.clone();
            async move { ping(&dependency).await.map_err(Into::into) }.boxed()
        };
        Self { name, required: true, ping: Arc::new(ping) }
    }

    /// A dependency whose absence only takes something away: the service is degraded, and ready.
    pub fn optional<T, E>(
        name: &'static str,
        dependency: &Arc<T>,
        ping: for<'a> fn(&'a T) -> BoxFuture<'a, Result<(), E>>,
    ) -> Self
    where
        T: ?Sized + Send + Sync + 'static,
        E: Into<Source> + 'static,
    {
        Self { required: false, ..Self::required(name, dependency, ping) }
    }

    /// An answer in time, or why there is none.
    async fn ask(&self, runtime: &Handle) -> Result<(), String> {
        let asked = AbortOnDropHandle::new(runtime.spawn((self.ping)()));
        match tokio::time::timeout(ANSWER_TIMEOUT, asked).await {
            Ok(Ok(answer)) => answer.map_err(|error| ErrorChain(&*error).to_string()),
            Ok(Err(ended)) => Err(ended.to_string()),
            Err(_) => Err("it does not answer in time".to_owned()),
        }
    }

    /// Once per outage, and once at its end.
    fn log_change(&self, was_up: bool, answer: &Result<(), String>) {
        match answer {
            Err(error) if was_up => {
                tracing::warn!(
                    event = "dependency.down",
                    dependency = self.name,
                    error,
                    "a dependency is down"
                );
            }
            Ok(()) if !was_up => {
                tracing::info!(
                    event = "dependency.up",
                    dependency = self.name,
                    "a dependency is up again"
                );
            }
            _ => {}
        }
    }
}

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

    /// The names of the dependencies that do not answer.
    fn down(&self) -> impl Iterator<Item = &'static str> {
        let down =
            self.dependencies.iter().filter(|(_, state)| state.status == DependencyStatus::Down);
        down.map(|(name, _)| *name)
    }
}

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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    type Answer = Result<(), &'static str>;

    /// Asks a dependency that is its own answer.
    fn answered(answer: &Answer) -> BoxFuture<'_, Answer> {
        std::future::ready(*answer).boxed()
    }

    async fn status(checks: Vec<HealthCheck>) -> Readiness {
        Health::new(checks, CancellationToken::new()).readiness().await.status
    }

    #[tokio::test]
    async fn a_process_that_was_asked_to_stop_is_draining_at_once() {
        let shutdown = CancellationToken::new();
        let check = HealthCheck::required("a", &Arc::new(Ok(())), answered);
        let health = Health::new(vec![check], shutdown.clone());
        assert_eq!(health.readiness().await.status, Readiness::Ready);
        shutdown.cancel();
        let report = health.readiness().await;
        assert_eq!(
            (report.status, report.status.http_status().as_u16()),
            (Readiness::Draining, 503)
        );
        assert_eq!(report.dependencies["a"].status, DependencyStatus::Up);
    }

    #[tokio::test]
    async fn only_a_required_dependency_takes_the_process_out_of_service() {
        let required = |answer| HealthCheck::required("a", &Arc::new(answer), answered);
        let optional = |answer| HealthCheck::optional("b", &Arc::new(answer), answered);
        assert_eq!(status(vec![required(Ok(())), optional(Ok(()))]).await, Readiness::Ready);
        assert_eq!(
            status(vec![required(Ok(())), optional(Err("down"))]).await,
            Readiness::Degraded
        );
        assert_eq!(
            status(vec![required(Err("down")), optional(Ok(()))]).await,
            Readiness::Unavailable
        );
    }

    #[test]
    fn dependencies_are_asked_where_their_connections_last() {
        let build = || {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap()
        };
        let (process, server) = (build(), build());
        let asked_on = Arc::new(std::sync::OnceLock::new());
        let health = process.block_on(async {
            Health::new(
                vec![HealthCheck::required("a", &asked_on, |asked_on| {
                    let _ = asked_on.set(Handle::current().id());
                    std::future::ready(Ok::<_, Source>(())).boxed()
                })],
                CancellationToken::new(),
            )
        });
        assert_eq!(server.block_on(health.readiness()).status, Readiness::Ready);
        assert_eq!(asked_on.get(), Some(&process.handle().id()));
    }

    #[tokio::test(start_paused = true)]
    async fn dependencies_are_watched_though_nobody_asks() {
        let asked = Arc::new(AtomicU32::new(0));
        let counting = HealthCheck::optional("counting", &asked, |asked| {
            asked.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok::<_, Source>(())).boxed()
        });
        let watch = tokio::spawn(Health::new(vec![counting], CancellationToken::new()).watch());
        tokio::time::sleep(WATCH_INTERVAL * 7 / 2).await;
        watch.abort();
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dependency_that_hangs_is_down() {
        let silent = HealthCheck::optional("silent", &Arc::new(()), |()| {
            std::future::pending::<Result<(), Source>>().boxed()
        });
        let report = Health::new(vec![silent], CancellationToken::new()).readiness().await;
        assert_eq!(report.dependencies["silent"].status, DependencyStatus::Down);
    }
}
