//! How the API ends: what is still answered, and for how long it waits.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use process::health::Health;
use registration_api::api::Api;
use registration_api::http::{AppState, ServerOptions};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{
    EMAIL, EmptyOutbox, PASSWORD, World, busy_purge, options, relay_of, server_options,
};
use test_support::soon;

struct Running {
    url: String,
    http: reqwest::Client,
    shutdown: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    fn start(world: &World, server: ServerOptions) -> Self {
        let shutdown = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let api = Api {
            listener,
            state: AppState::new(
                world.ports(),
                options(),
                Health::new(Vec::new(), shutdown.clone()),
            ),
            server,
            product: None,
            relay: relay_of(Arc::new(EmptyOutbox)),
            webhook_relay: None,
            users: world.users.clone(),
            purge: busy_purge(),
        };
        process::install_crypto();
        let task = tokio::spawn(api.run(shutdown.clone()));
        Self { url, http: reqwest::Client::new(), shutdown, task }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        soon("an answer", self.http.get(format!("{}{path}", self.url)).send()).await.unwrap()
    }

    fn register(
        &self,
    ) -> impl Future<Output = reqwest::Result<reqwest::Response>> + Send + 'static {
        let body = serde_json::json!({"email": EMAIL, "password": PASSWORD});
        self.http.post(format!("{}/api/v1/users/register", self.url)).json(&body).send()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_says_503_first_while_requests_are_still_answered() {
    let delay = Duration::from_hours(1);
    let api = Running::start(
        &World::default(),
        ServerOptions { shutdown_delay: delay, ..server_options() },
    );
    assert_eq!(api.get("/health/ready").await.status(), 200);
    api.shutdown.cancel();
    let answer = api.get("/health/ready").await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.json::<Value>().await.unwrap()["status"], "draining");
    assert_eq!(soon("the registration", api.register()).await.unwrap().status(), 201);
    api.task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_delay_an_idle_api_ends_at_once() {
    let grace = Duration::from_hours(1);
    let api = Running::start(
        &World::default(),
        ServerOptions { shutdown_timeout: grace, ..server_options() },
    );
    assert_eq!(api.get("/health/ready").await.status(), 200);
    api.shutdown.cancel();
    soon("the end of the API", api.task).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grace_period_is_not_cut_to_whole_seconds() {
    let world = World::default();
    world.hasher.turns.forget_permits(usize::MAX);
    let grace = Duration::from_millis(1900);
    let api = Running::start(&world, ServerOptions { shutdown_timeout: grace, ..server_options() });
    let request = tokio::spawn(api.register());
    soon("a password to hash", world.hasher.waiting.notified()).await;
    let asked = Instant::now();
    api.shutdown.cancel();
    soon("the end of the API", api.task).await.unwrap().unwrap();
    assert!(asked.elapsed() >= grace, "a request had {:?} instead of {grace:?}", asked.elapsed());
    request.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_before_the_end_is_answered() {
    let world = World::default();
    world.hasher.turns.forget_permits(usize::MAX);
    let grace = Duration::from_hours(1);
    let api = Running::start(&world, ServerOptions { shutdown_timeout: grace, ..server_options() });
    let request = tokio::spawn(api.register());
    soon("a password to hash", world.hasher.waiting.notified()).await;
    api.shutdown.cancel();
    world.hasher.turns.add_permits(1);
    assert_eq!(soon("the answer to the request", request).await.unwrap().unwrap().status(), 201);
    soon("the end of the API", api.task).await.unwrap().unwrap();
}
