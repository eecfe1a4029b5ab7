//! A server on a free port, and doubles of the ports behind it.

mod background;
mod budgets;
mod codes;
mod hasher;
mod hook;
mod limiter;
mod product;
mod users;

pub(crate) use background::{EmptyOutbox, busy_purge, relay_of};
pub(crate) use budgets::Budgets;
pub(crate) use codes::Codes;
pub(crate) use hasher::Hasher;
pub(crate) use hook::Hook;
pub(crate) use limiter::Limiter;
pub(crate) use product::{ProductApp, product_problem};
pub(crate) use users::Users;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::web::Data;
use domain::ports::{Allowance, IdSource, RegistrationHook, Source};
use domain::{
    CodeIssue, CodeKey, CodeKeys, CodeLength, EmailAddress, PasswordHash, PasswordLength, User,
    UserId,
};
use process::health::{Health, HealthCheck};
use registration_api::admission::DomainRules;
use registration_api::http::client_address::{TrustedProxies, parse_network};
use registration_api::http::{ApiOptions, AppState, Ports, PublicUrl};
use registration_api::http::{ServerOptions, server};
use registration_api::limits::{Counters, Quotas};
use registration_api::use_cases::ExistingAccount;
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use test_support::CODE_KEY;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) const EMAIL: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) fn broken() -> Source {
    "connection refused to secret-host".into()
}

pub(crate) struct Ids(AtomicU64);

impl IdSource for Ids {
    fn next_id(&self) -> Uuid {
        Uuid::from_u64_pair(0x0190_0000_0000_7000, self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// The doubles of one application.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) users: Arc<Users>,
    pub(crate) codes: Arc<Codes>,
    pub(crate) guesses: Arc<Budgets>,
    pub(crate) hasher: Arc<Hasher>,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) fallback: Option<Arc<Limiter>>,
    pub(crate) fallback_budget: Arc<Budgets>,
    pub(crate) hook: Option<Arc<Hook>>,
}

impl World {
    pub(crate) fn ports(&self) -> Ports {
        Ports {
            users: self.users.clone(),
            codes: self.codes.clone(),
            budget: self.guesses.clone(),
            hasher: self.hasher.clone(),
            limiter: self.limiter.clone(),
            fallback: self.fallback.clone().map(|limiter| {
                let budget = self.fallback_budget.clone();
                Counters { limiter, budget }
            }),
            breached: None,
            hook: self.hook.clone().map(|hook| hook as Arc<dyn RegistrationHook>),
            ids: Arc::new(Ids(AtomicU64::new(1))),
        }
    }
}

pub(crate) fn options() -> ApiOptions {
    ApiOptions {
        code_keys: Arc::new(CodeKeys::new(key(), Vec::new())),
        code_length: CodeLength::new(4).unwrap(),
        previous_code_lengths: Vec::new(),
        code_window: Duration::from_mins(1),
        guess_allowance: Allowance { amount: 20, period: Duration::from_hours(24) },
        password_length: PasswordLength { min: 8, max: 128 },
        refuse_common_passwords: true,
        breach_fail_open: true,
        domains: DomainRules::default(),
        hook_fail_open: false,
        existing_account: ExistingAccount::Reveal,
        quotas: Quotas::default(),
        trusted_proxies: TrustedProxies::default(),
        allowed_origins: Vec::new(),
        public_url: PublicUrl::default(),
        proof_of_work: None,
        signup: None,
        body_timeout: Duration::from_secs(5),
    }
}

/// The test is the proxy: it may say who the client is and which trace its request belongs to.
pub(crate) fn behind_a_proxy() -> ApiOptions {
    let networks = vec![parse_network("127.0.0.1").unwrap()];
    ApiOptions { trusted_proxies: TrustedProxies::new(networks), ..options() }
}

pub(crate) fn key() -> CodeKey {
    CodeKey::from_hex(CODE_KEY).unwrap()
}

pub(crate) fn server_options() -> ServerOptions {
    ServerOptions {
        workers: 1,
        max_connections: 500,
        request_memory: 1024 * 1024,
        keep_alive: Duration::from_secs(5),
        client_request_timeout: Duration::from_secs(5),
        client_disconnect_timeout: Duration::from_secs(1),
        shutdown_delay: Duration::ZERO,
        shutdown_timeout: Duration::from_secs(1),
    }
}

/// A running application.
pub(crate) struct TestApp {
    pub(crate) address: SocketAddr,
    pub(crate) world: World,
    pub(crate) http: reqwest::Client,
}

impl TestApp {
    pub(crate) fn start() -> Self {
        Self::start_with(World::default(), options())
    }

    pub(crate) fn start_with(world: World, options: ApiOptions) -> Self {
        Self::start_full(world, options, Vec::new(), server_options())
    }

    pub(crate) fn start_full(
        world: World,
        options: ApiOptions,
        checks: Vec<HealthCheck>,
        server_options: ServerOptions,
    ) -> Self {
        let state = Data::new(AppState::new(
            world.ports(),
            options,
            Health::new(checks, CancellationToken::new()),
        ));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(server(listener, state, server_options).unwrap());
        process::install_crypto();
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { address, world, http }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(self.url(path))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn register(&self, email: &str, password: &str) -> Response {
        let body = serde_json::json!({"email": email, "password": password});
        self.post("/api/v1/users/register").json(&body).send().await.unwrap()
    }

    pub(crate) async fn activate(&self, email: &str, password: &str, code: &str) -> Response {
        let body = serde_json::json!({"code": code});
        let request = self.post("/api/v1/users/activate").basic_auth(email, Some(password));
        request.json(&body).send().await.unwrap()
    }

    pub(crate) async fn resend(&self, email: &str, password: &str) -> Response {
        self.post("/api/v1/users/resend-code")
            .basic_auth(email, Some(password))
            .send()
            .await
            .unwrap()
    }

    /// A pending user whose mail is accepted and whose minute runs.
    pub(crate) async fn pending_user(&self) -> CodeIssue {
        let response = self.register(EMAIL, PASSWORD).await;
        // The second in conceal mode.
        assert!([201, 202].contains(&response.status().as_u16()), "{response:?}");
        let issue = self.world.users.get(EMAIL).unwrap().issue();
        self.world.users.mail_accepted(issue);
        self.world.codes.open_window(issue, 5);
        issue
    }

    /// A user whose account is active.
    pub(crate) async fn active_user(&self) {
        let issue = self.pending_user().await;
        assert_eq!(self.activate(EMAIL, PASSWORD, &code(issue)).await.status(), 200);
    }
}

/// The code that is mailed for an issue.
pub(crate) fn code(issue: CodeIssue) -> String {
    key().derive(issue, CodeLength::new(4).unwrap()).expose().to_owned()
}

/// Some other code.
pub(crate) fn wrong_code(issue: CodeIssue) -> String {
    let right: u32 = code(issue).parse().unwrap();
    format!("{:04}", (right + 1) % 10_000)
}

/// A user that somebody else registered meanwhile.
pub(crate) fn stranger() -> User {
    let id = UserId::from_uuid(Uuid::from_u128(0xdead));
    let hash = PasswordHash::from_phc("hash of something else".into());
    User::register(id, EmailAddress::parse(EMAIL).unwrap(), hash)
}

/// Asserts that an answer is a well-formed problem document of this status and code, and returns
/// it.
pub(crate) async fn problem(response: Response, status: u16, code: &str) -> Value {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(response.headers().contains_key("x-request-id"));
    let actual = response.status().as_u16();
    let text = response.text().await.unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((actual, document["code"].as_str()), (status, Some(code)), "{text}");
    assert_eq!(document["status"], status);
    assert_eq!(document["type"], format!("/docs/problems#{code}"));
    assert!(document["title"].is_string() && document["detail"].is_string());
    assert!(!text.contains("secret-host"), "a cause reached the client: {text}");
    document
}

/// The pointers and codes of a 422.
pub(crate) fn faults(document: &Value) -> Vec<(&str, &str)> {
    let errors = document["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect()
}
