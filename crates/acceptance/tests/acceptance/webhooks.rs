//! The product hears by a webhook of every account that is activated, whatever its receiver does in
//! the meantime, and the receiver holds up nobody.

use std::net::TcpListener;
use std::time::Duration;

use acceptance::{Journey, Service, Setup, journeys, webhook_signature};
use serde_json::Value;
use test_support::{eventually, free_port};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

journeys!(both {
    an_activation_is_told_once_and_signed: setup(), [];
    the_address_is_told_where_it_is_wanted: setup().with("webhooks.include_email", "true"), [];
    a_webhook_that_fails_is_retried_and_nothing_is_mailed_again: setup(), [];
    a_receiver_that_hangs_holds_up_neither_mails_nor_the_shutdown:
        setup().short_lease().with("webhooks.timeout", "3s").with("http.shutdown_timeout", "2s")
            .expecting_errors(), [];
    what_a_killed_process_has_not_told_is_told_after_its_start:
        setup().short_lease().expecting_errors(), [];
    a_webhook_that_was_set_aside_is_shown_and_replayed: setup().expecting_errors(), [];
});

const SECRETS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"];

/// A receiver that is started by the test, on a port that is known before.
fn setup() -> Setup {
    Setup::own()
        .with("webhooks.url", &format!("http://127.0.0.1:{}/hooks", free_port()))
        .with("webhooks.secret", &SECRETS.join(","))
        .with("webhooks.allow_private_addresses", "true")
}

/// Starts the receiver; it answers nothing yet.
async fn receiver(journey: &Journey) -> MockServer {
    let url = journey.system.setting("webhooks.url");
    let address = url.strip_prefix("http://").unwrap().strip_suffix("/hooks").unwrap();
    MockServer::builder().listener(TcpListener::bind(address).unwrap()).start().await
}

async fn answer(receiver: &MockServer, answer: ResponseTemplate) {
    Mock::given(method("POST")).respond_with(answer).mount(receiver).await;
}

/// The answer to the first requests only.
async fn answer_first(receiver: &MockServer, requests: u64, answer: ResponseTemplate) {
    let mock = Mock::given(method("POST")).respond_with(answer);
    mock.up_to_n_times(requests).mount(receiver).await;
}

/// Waits for that many requests, and returns them.
async fn requests(receiver: &MockServer, count: usize) -> Vec<Request> {
    eventually(&format!("{count} requests"), async || {
        let requests = receiver.received_requests().await.unwrap();
        (requests.len() >= count).then_some(requests)
    })
    .await
}

/// Fails unless each secret has signed the request. Returns the event.
fn verified(request: &Request) -> Value {
    let header = |name: &str| request.headers[name].to_str().unwrap().to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let sign = |secret: &str| webhook_signature(secret, &id, &timestamp, &request.body);
    assert_eq!(header("webhook-signature"), SECRETS.map(sign).join(" "));
    let event: Value = request.body_json().unwrap();
    assert_eq!(event["id"], id);
    event
}

async fn an_activation_is_told_once_and_signed(journey: &Journey) {
    let receiver = receiver(journey).await;
    answer(&receiver, ResponseTemplate::new(204)).await;
    let account = journey.activated().await;
    let request = requests(&receiver, 1).await.remove(0);
    let event = verified(&request);
    assert_eq!(event["type"], "user.activated");
    assert_eq!(event["data"]["user_id"], event["subject"]);
    let sent = format!("{request:?} {event}");
    assert!(!sent.contains(&account.email) && !sent.contains(&account.password), "{sent}");
    // What comes later has come after nothing else.
    journey.activated().await;
    let types = requests(&receiver, 2)
        .await
        .iter()
        .map(|request| verified(request)["type"].clone())
        .collect::<Vec<_>>();
    assert_eq!(types, ["user.activated", "user.activated"]);
    assert_eq!(journey.system.api().readiness().await["status"], "ready");
}

async fn the_address_is_told_where_it_is_wanted(journey: &Journey) {
    let receiver = receiver(journey).await;
    answer(&receiver, ResponseTemplate::new(200)).await;
    let account = journey.activated().await;
    let event = verified(&requests(&receiver, 1).await[0]);
    assert_eq!(event["data"]["email"], account.email);
}

async fn a_webhook_that_fails_is_retried_and_nothing_is_mailed_again(journey: &Journey) {
    let receiver = receiver(journey).await;
    answer_first(&receiver, 2, ResponseTemplate::new(500)).await;
    answer(&receiver, ResponseTemplate::new(204)).await;
    let account = journey.activated().await;
    let requests = requests(&receiver, 3).await;
    let events: Vec<Value> = requests.iter().map(verified).collect();
    assert_eq!(events[0], events[1]);
    assert_eq!(events[1], events[2]);
    journey.everything_settled().await;
    assert_eq!(journey.mailbox.mails(&account.email).await.len(), 1);
}

async fn a_receiver_that_hangs_holds_up_neither_mails_nor_the_shutdown(journey: &Journey) {
    let receiver = receiver(journey).await;
    let hanging = ResponseTemplate::new(204).set_delay(Duration::from_hours(1));
    answer_first(&receiver, 1, hanging).await;
    answer(&receiver, ResponseTemplate::new(204)).await;
    journey.activated().await;
    requests(&receiver, 1).await;
    journey.everything_settled().await;
    assert!(journey.system.api().terminate().await.success());
    journey.system.api().start().await;
    let told = requests(&receiver, 2).await;
    assert_eq!(verified(&told[0]), verified(&told[1]));
}

async fn what_a_killed_process_has_not_told_is_told_after_its_start(journey: &Journey) {
    // Nobody listens yet.
    let account = journey.activated().await;
    journey.system.api().kill();
    let receiver = receiver(journey).await;
    answer(&receiver, ResponseTemplate::new(204)).await;
    journey.system.api().start().await;
    let event = verified(&requests(&receiver, 1).await[0]);
    assert_eq!(event["type"], "user.activated");
    assert_eq!(journey.mailbox.mails(&account.email).await.len(), 1);
}

async fn a_webhook_that_was_set_aside_is_shown_and_replayed(journey: &Journey) {
    let receiver = receiver(journey).await;
    answer_first(&receiver, 1, ResponseTemplate::new(410)).await;
    answer(&receiver, ResponseTemplate::new(204)).await;
    journey.activated().await;
    let api = journey.system.api();
    let letter = eventually("a dead letter", async || {
        let listed = command(api, &["dead-letters", "list", "--json"]).await;
        listed.lines().next().map(|line| serde_json::from_str::<Value>(line).unwrap())
    })
    .await;
    assert_eq!(letter["type"], "user.activated");
    assert!(letter["reason"].as_str().unwrap().contains("answered 410"), "{letter}");
    let status: Value =
        serde_json::from_str(&command(api, &["outbox", "status", "--json"]).await).unwrap();
    assert_eq!(status["webhook"]["buried"], 1, "{status}");
    command(api, &["dead-letters", "replay", "--id", letter["id"].as_str().unwrap()]).await;
    let told = requests(&receiver, 2).await;
    assert_eq!(verified(&told[0]), verified(&told[1]));
}

/// What a command prints, which must succeed.
async fn command(service: &Service, arguments: &[&str]) -> String {
    let program = service.program().clone().arguments(arguments.iter().copied());
    let finished = program.run_to_end().await;
    assert_eq!(finished.code, 0, "{}", finished.output());
    finished.stdout
}
