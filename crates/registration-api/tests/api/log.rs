use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use domain::ports::Quota;
use serde_json::Value;
use test_support::eventually;
use tracing_subscriber::fmt::MakeWriter;

use registration_api::limits::ActionQuotas;

use crate::support::{TestApp, World, behind_a_proxy, code, options, wrong_code};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// All tests of this executable log here.
static LOG: LazyLock<Lines> = LazyLock::new(|| {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::DEBUG);
    tracing::subscriber::set_global_default(subscriber.with_writer(lines.clone()).finish())
        .unwrap();
    lines
});

/// What is logged so far of an event.
fn of_event(event: &str) -> Vec<Value> {
    lines().into_iter().filter(|line| line["fields"]["event"] == event).collect()
}

fn lines() -> Vec<Value> {
    let bytes = LOG.0.lock().unwrap().clone();
    String::from_utf8(bytes)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The line of the request with this id. It is written after the answer.
async fn request_line(id: &str) -> Value {
    let is_it = |line: &Value| line["span"]["request_id"] == id;
    eventually("the line of the request", async || of_event("http.request").into_iter().find(is_it))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_16_2_5_requests_are_logged_without_their_secrets() {
    LazyLock::force(&LOG);
    let app = TestApp::start_with(World::default(), behind_a_proxy());
    let (email, password) = ("canary.recipient@example.com", "Canary-Password-5512");
    // Requests of other tests count from the same number: this one has a name of its own.
    let id = "5512c0ffee5512c0ffee5512c0ffee55";
    let registration = app
        .post("/api/v1/users/register")
        .header("traceparent", format!("00-{id}-5512c0ffee551200-01"));
    let response = registration
        .json(&serde_json::json!({"email": email, "password": password}))
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["x-request-id"], id);
    let issue = app.world.users.get(email).unwrap().issue();
    app.world.users.mail_accepted(issue);
    app.world.codes.open_window(issue, 5);
    app.activate(email, "Canary-Wrong-5513", &code(issue)).await;
    app.activate(email, password, &code(issue)).await;
    app.get("/nothing?token=Canary-Query-5514").await;
    let request = request_line(id).await;
    assert_eq!(
        (&request["fields"]["route"], &request["span"]["client_trace_id"]),
        (&"/api/v1/users/register".into(), &Value::Null)
    );
    assert_eq!(
        (&request["fields"]["method"], &request["fields"]["status"]),
        (&"POST".into(), &201.into())
    );
    assert!(request["fields"]["duration_ms"].as_f64().unwrap() > 0.0);
    for event in ["user.registered", "authentication.failed", "activation.failed", "user.activated"]
    {
        let masked = |line: &Value| line["fields"]["address"] == "c***@example.com";
        assert!(of_event(event).iter().any(masked), "{event}");
    }
    let all = String::from_utf8(LOG.0.lock().unwrap().clone()).unwrap();
    for secret in ["canary.recipient", "Canary-Password", "Canary-Wrong", "Canary-Query"] {
        assert!(!all.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_16_3_1_what_matters_to_security_is_logged() {
    LazyLock::force(&LOG);
    let mut options = options();
    let two = Some(Quota { burst: 2, period: Duration::from_mins(1) });
    options.quotas.activate = ActionQuotas { client: None, address: two };
    let app = TestApp::start_with(World::default(), options);
    let (email, password) = ("quentin@example.com", "a password of Quentin's");
    app.register(email, password).await;
    let issue = app.world.users.get(email).unwrap().issue();
    app.world.users.mail_accepted(issue);
    app.world.codes.open_window(issue, 5);
    app.activate(email, "not Quentin's password", &code(issue)).await;
    app.activate(email, password, &code(issue)).await;
    app.activate(email, password, &code(issue)).await;
    for event in ["user.registered", "authentication.failed", "user.activated", "limit.exceeded"] {
        let found = of_event(event)
            .into_iter()
            .find(|line| line["fields"]["address"] == "q***@example.com");
        let line = found.unwrap_or_else(|| panic!("{event} is not logged"));
        assert!(line["timestamp"].is_string() && line["span"]["request_id"].is_string(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_16_3_1_failed_credentials_refused_codes_and_limits_name_the_client() {
    LazyLock::force(&LOG);
    let mut options = behind_a_proxy();
    let three = Some(Quota { burst: 3, period: Duration::from_mins(1) });
    options.quotas.activate = ActionQuotas { client: None, address: three };
    let app = TestApp::start_with(World::default(), options);
    let (email, password) = ("stella@example.com", "a password of Stella's");
    app.register(email, password).await;
    let issue = app.world.users.get(email).unwrap().issue();
    app.world.users.mail_accepted(issue);
    app.world.codes.open_window(issue, 5);
    let activate = async |client: &str, password: &str, code: String| {
        let request = app.post("/api/v1/users/activate").header("x-forwarded-for", client);
        let body = serde_json::json!({ "code": code });
        request.basic_auth(email, Some(password)).json(&body).send().await.unwrap();
    };
    activate("198.51.100.1, 203.0.113.71", "not Stella's password", code(issue)).await;
    activate("203.0.113.72", password, wrong_code(issue)).await;
    activate("2001:db8:7::3", password, code(issue)).await;
    activate("203.0.113.74:4711", password, code(issue)).await;
    for (event, outcome, client) in [
        ("authentication.failed", Value::Null, "203.0.113.71"),
        ("activation.failed", "invalid-credentials".into(), "203.0.113.71"),
        ("activation.failed", "code-invalid".into(), "203.0.113.72"),
        ("user.activated", Value::Null, "2001:db8:7::3"),
        ("limit.exceeded", Value::Null, "203.0.113.74"),
        ("activation.failed", "limited".into(), "203.0.113.74"),
    ] {
        let found = of_event(event).into_iter().any(|line| {
            let fields = &line["fields"];
            fields["address"] == "s***@example.com"
                && fields["outcome"] == outcome
                && line["span"]["client"] == client
        });
        assert!(found, "{event} {outcome} of {client}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_trace_is_linked_and_not_adopted() {
    LazyLock::force(&LOG);
    let app = TestApp::start();
    let (email, trace_id) = ("linda@example.com", "11abf92f3577b34da6a3ce929d0e0e47");
    let body = serde_json::json!({"email": email, "password": "a password of Linda's"});
    let request = app.post("/api/v1/users/register").json(&body);
    // The header of a proxy counts no more than that of anybody else.
    let request = request.header("x-forwarded-for", "127.0.0.1");
    let response = request
        .header("traceparent", format!("00-{trace_id}-00f067aa0ba902b7-01"))
        .send()
        .await
        .unwrap();
    let id = response.headers()["x-request-id"].to_str().unwrap();
    assert_ne!(id, trace_id);
    let event = app.world.users.events.lock().unwrap()[0].clone();
    assert_eq!(event.trace.trace_id(), id);
    let is_linked = |line: &Value| line["span"]["client_trace_id"] == trace_id;
    let find = async || of_event("http.request").into_iter().find(is_linked);
    let line = eventually("the line of the linked request", find).await;
    assert_eq!((&line["span"]["request_id"], &line["level"]), (&id.into(), &"DEBUG".into()));
    let registered = of_event("user.registered").into_iter().find(is_linked);
    assert_eq!(registered.unwrap()["level"], "INFO", "one line of this level per registration");
    // Requests of other tests count from the same number: this one has a trace of its own.
    let trace_id = "12abf92f3577b34da6a3ce929d0e0e47";
    let refused = app.http.get(app.url("/nothing"));
    let refused = refused.header("traceparent", format!("00-{trace_id}-00f067aa0ba902b7-01"));
    assert_eq!(refused.send().await.unwrap().status(), 404);
    let is_refused = |line: &Value| line["span"]["client_trace_id"] == trace_id;
    let find = async || of_event("http.request").into_iter().find(is_refused);
    assert_eq!(eventually("the line of the refusal", find).await["level"], "INFO");
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_16_4_1_nothing_that_is_sent_becomes_a_line() {
    LazyLock::force(&LOG);
    let app = TestApp::start();
    let forged = "\r\n{\"fields\":{\"event\":\"canary.forged\"}}\r\n";
    app.register(&format!("{forged}@example.com"), "a good password 1").await;
    app.register("forger@example.com", &format!("password{forged}")).await;
    app.activate("forger@example.com", forged, forged).await;
    app.get("/%0d%0a{\"fields\":{\"event\":\"canary.forged\"}}").await;
    let request = app.http.get(app.url("/health/live")).header("traceparent", "00-canary.forged");
    request.header("user-agent", "x\tcanary.forged").send().await.unwrap();
    // Every line is one JSON document: `lines` fails otherwise.
    assert_eq!(of_event("canary.forged"), Vec::<Value>::new());
    assert!(!String::from_utf8(LOG.0.lock().unwrap().clone()).unwrap().contains("canary.forged"));
}
