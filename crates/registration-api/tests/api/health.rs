use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use domain::ports::Source;
use futures::FutureExt;
use futures::future::BoxFuture;
use process::health::HealthCheck;
use serde_json::{Value, json};

use crate::support::{TestApp, World, broken, options, server_options};

struct Dependency {
    is_up: AtomicBool,
    pings: AtomicU32,
}

impl Dependency {
    fn new(is_up: bool) -> Arc<Self> {
        Arc::new(Self { is_up: AtomicBool::new(is_up), pings: AtomicU32::new(0) })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), Source>> {
        self.pings.fetch_add(1, Ordering::Relaxed);
        ready(if self.is_up.load(Ordering::Relaxed) { Ok(()) } else { Err(broken()) }).boxed()
    }
}

async fn readiness(store: bool, cache: bool) -> (u16, Value) {
    let (store, cache) = (Dependency::new(store), Dependency::new(cache));
    let checks = vec![
        HealthCheck::required("store", &store, Dependency::ping),
        HealthCheck::optional("cache", &cache, Dependency::ping),
    ];
    let app = TestApp::start_full(World::default(), options(), checks, server_options());
    let response = app.get("/health/ready").await;
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_names_each_dependency() {
    let report = |status: &str, store: &str, cache: &str| {
        json!({"status": status, "dependencies": {
            "store": {"status": store, "required": true},
            "cache": {"status": cache, "required": false},
        }})
    };
    assert_eq!(readiness(true, true).await, (200, report("ready", "up", "up")));
    assert_eq!(readiness(true, false).await, (200, report("degraded", "up", "down")));
    assert_eq!(readiness(false, true).await, (503, report("unavailable", "down", "up")));
    assert_eq!(readiness(false, false).await, (503, report("unavailable", "down", "down")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_that_hangs_is_down() {
    let hangs = HealthCheck::optional("cache", &Dependency::new(true), |_| {
        pending::<Result<(), Source>>().boxed()
    });
    let app = TestApp::start_full(World::default(), options(), vec![hangs], server_options());
    let report: Value = app.get("/health/ready").await.json().await.unwrap();
    assert_eq!(report["status"], "degraded");
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_share_an_answer() {
    let store = Dependency::new(true);
    let checks = vec![HealthCheck::required("store", &store, Dependency::ping)];
    let app = TestApp::start_full(World::default(), options(), checks, server_options());
    let started = std::time::Instant::now();
    let probes = (0..20).map(|_| app.get("/health/ready"));
    futures::future::join_all(probes).await;
    let allowed = 1 + u32::try_from(started.elapsed().as_secs()).unwrap();
    assert!(store.pings.load(Ordering::Relaxed) <= allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn liveness_asks_nobody() {
    let app = TestApp::start();
    app.world.users.is_down.store(true, Ordering::Relaxed);
    let response = app.get("/health/live").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<Value>().await.unwrap(), json!({"status": "live"}));
}
