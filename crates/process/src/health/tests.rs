use std::sync::atomic::{AtomicU32, Ordering};

use domain::ports::Source;
use futures::future::{BoxFuture, FutureExt};

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
    assert_eq!((report.status, report.status.http_status().as_u16()), (Readiness::Draining, 503));
    assert_eq!(report.dependencies["a"].status, DependencyStatus::Up);
}

#[tokio::test]
async fn only_a_required_dependency_takes_the_process_out_of_service() {
    let required = |answer| HealthCheck::required("a", &Arc::new(answer), answered);
    let optional = |answer| HealthCheck::optional("b", &Arc::new(answer), answered);
    assert_eq!(status(vec![required(Ok(())), optional(Ok(()))]).await, Readiness::Ready);
    assert_eq!(status(vec![required(Ok(())), optional(Err("down"))]).await, Readiness::Degraded);
    assert_eq!(status(vec![required(Err("down")), optional(Ok(()))]).await, Readiness::Unavailable);
}

#[test]
fn dependencies_are_asked_where_their_connections_last() {
    let build = || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
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
