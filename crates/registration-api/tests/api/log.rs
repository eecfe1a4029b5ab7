use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{TestApp, code, soon};

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
    tracing::subscriber::set_global_default(subscriber.with_writer(lines.clone()).finish()).unwrap();
    lines
});

fn lines() -> Vec<Value> {
    let bytes = LOG.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_logged_without_their_secrets() {
    LazyLock::force(&LOG);
    let app = TestApp::start();
    let (email, password) = ("canary.recipient@example.com", "Canary-Password-5512");
    let response = app.register(email, password).await;
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let issue = app.world.users.get(email).unwrap().issue();
    app.world.users.mail_accepted(issue);
    app.world.codes.open_window(issue, 5);
    app.activate(email, "Canary-Wrong-5513", &code(issue)).await;
    app.activate(email, password, &code(issue)).await;
    app.get("/nothing?token=Canary-Query-5514").await;
    let of_event =
        |event: &str| lines().into_iter().filter(|line| line["fields"]["event"] == event).collect::<Vec<_>>();
    // The line is written after the answer.
    let request = soon(async {
        loop {
            let found = of_event("http.request").into_iter().find(|line| {
                line["span"]["request_id"] == id && line["fields"]["route"] == "/api/v1/users/register"
            });
            if let Some(line) = found {
                return line;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!((&request["fields"]["method"], &request["fields"]["status"]), (&"POST".into(), &201.into()));
    assert!(request["fields"]["duration_ms"].as_f64().unwrap() > 0.0);
    for event in ["user.registered", "authentication.failed", "activation.failed", "user.activated"] {
        let masked = |line: &Value| line["fields"]["address"] == "c***@example.com";
        assert!(of_event(event).iter().any(masked), "{event}");
    }
    let all = String::from_utf8(LOG.0.lock().unwrap().clone()).unwrap();
    for secret in ["canary.recipient", "Canary-Password", "Canary-Wrong", "Canary-Query"] {
        assert!(!all.contains(secret), "{secret} is in the log");
    }
}
