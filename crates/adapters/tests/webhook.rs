//! Webhooks to a receiver that answers as receivers may.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use adapters::cloud_events::{EventNaming, decode};
use adapters::hand_over::HandOver;
use adapters::sqlite::{SqliteOptions, SqliteUserRepository, open};
use adapters::webhook::{WebhookOptions, WebhookPublisher, WebhookSecret, diagnose};
use domain::ports::{EventPublisher, PublishError, UserRepository};
use domain::{
    EmailAddress, ErrorChain, Event, EventId, PasswordHash, Severity, TraceParent, User, UserEvent,
    UserId,
};
use test_support::{Identity, install_crypto_provider, soon, unique_id};
use tokio::net::TcpListener;
use uuid::Uuid;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Longer than any answer takes here, unless it is made to take as long.
const MINUTE: Duration = Duration::from_mins(1);

fn options(url: &str) -> WebhookOptions {
    install_crypto_provider();
    WebhookOptions {
        url: url.to_owned(),
        secrets: vec![WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()],
        timeout: MINUTE,
        give_up_after: MINUTE,
        allow_private_addresses: true,
        naming: EventNaming { source: "/registration".into(), type_prefix: "com.example".into() },
    }
}

fn publisher(options: WebhookOptions) -> WebhookPublisher {
    WebhookPublisher::new(options, None).unwrap()
}

/// Happened now.
fn activated() -> Event {
    of_user(UserId::from_uuid(unique_id()), unique_id())
}

fn of_user(user_id: UserId, id: Uuid) -> Event {
    let kind = UserEvent::UserActivated { user_id };
    Event { id: EventId::from_uuid(id), trace: TraceParent::start(id), kind }
}

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    server
}

async fn deliver(publisher: &WebhookPublisher, event: &Event) -> Result<(), PublishError> {
    let mut outcomes = publisher.publish(std::slice::from_ref(event)).await;
    assert_eq!(outcomes.len(), 1);
    outcomes.pop().unwrap()
}

#[tokio::test]
async fn an_event_is_one_signed_request() {
    let receiver = answering(ResponseTemplate::new(204)).await;
    let publisher = publisher(options(&format!("{}/hooks?a=b", receiver.uri())));
    let event = activated();
    deliver(&publisher, &event).await.unwrap();
    let request = receiver.received_requests().await.unwrap().remove(0);
    assert_eq!((request.url.path(), request.url.query()), ("/hooks", Some("a=b")));
    let header = |name: &str| request.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/cloudevents+json");
    assert_eq!(header("webhook-id"), event.id.as_uuid().to_string());
    assert_eq!(header("traceparent"), event.trace.to_string());
    assert!(header("webhook-signature").starts_with("v1,"));
    let written: serde_json::Value = request.body_json().unwrap();
    assert_eq!(written["type"], "com.example.user.activated");
    assert_eq!(decode(&request.body).unwrap(), event);
    assert_eq!(written["data"].as_object().unwrap().len(), 1, "identifiers only: {written}");
    publisher.ping().await.unwrap();
}

#[tokio::test]
async fn the_address_is_sent_only_where_it_is_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let database = open(SqliteOptions { path, busy_timeout: MINUTE }).await.unwrap();
    let users = Arc::new(SqliteUserRepository::new(database, HandOver::to_nobody()));
    let id = UserId::from_uuid(unique_id());
    let email = EmailAddress::parse("ada@example.com").unwrap();
    let user = User::register(id, email, PasswordHash::from_phc("$argon2id$".into()));
    users.claim(&user, &[]).await.unwrap();
    let receiver = answering(ResponseTemplate::new(200)).await;
    let publisher = WebhookPublisher::new(options(&receiver.uri()), Some(users)).unwrap();
    deliver(&publisher, &of_user(id, unique_id())).await.unwrap();
    // Of somebody who is gone only the identifier is left.
    deliver(&publisher, &activated()).await.unwrap();
    let requests = receiver.received_requests().await.unwrap();
    let bodies: Vec<serde_json::Value> =
        requests.iter().map(|request| request.body_json().unwrap()).collect();
    assert_eq!(bodies[0]["data"]["email"], "ada@example.com");
    assert_eq!(bodies[1]["data"]["email"], serde_json::Value::Null);
}

#[tokio::test]
async fn the_status_says_whether_to_try_again() {
    for (status, expected) in [
        (200, "taken"),
        (299, "taken"),
        (300, "deferred"),
        (307, "deferred"),
        (400, "deferred"),
        (404, "deferred"),
        (500, "deferred"),
        (429, "unavailable"),
        (502, "unavailable"),
        (503, "unavailable"),
        (504, "unavailable"),
        (410, "rejected"),
    ] {
        let receiver = answering(ResponseTemplate::new(status)).await;
        let publisher = publisher(options(&receiver.uri()));
        let outcome = deliver(&publisher, &activated()).await;
        let (name, source) = match outcome {
            Ok(()) => ("taken", None),
            Err(PublishError::Deferred(source)) => ("deferred", Some(source)),
            Err(PublishError::Unavailable(source)) => ("unavailable", Some(source)),
            Err(PublishError::Rejected(source)) => ("rejected", Some(source)),
        };
        assert_eq!(name, expected, "{status}");
        if let Some(source) = source {
            let reason = ErrorChain(&*source).to_string();
            assert!(reason.contains(&status.to_string()), "{reason}");
        }
        assert_eq!(publisher.ping().await.is_err(), expected == "unavailable", "{status}");
        assert_eq!(publisher.probe().await.is_err(), expected == "unavailable", "{status}");
    }
}

#[tokio::test]
async fn asvs_15_3_2_a_redirect_is_not_followed() {
    let elsewhere = answering(ResponseTemplate::new(200)).await;
    let redirect = ResponseTemplate::new(307).insert_header("Location", elsewhere.uri().as_str());
    let receiver = answering(redirect).await;
    let outcome = deliver(&publisher(options(&receiver.uri())), &activated()).await;
    assert!(matches!(outcome, Err(PublishError::Deferred(_))));
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_receiver_that_hangs_is_given_up_at_the_deadline() {
    let receiver = answering(ResponseTemplate::new(200).set_delay(MINUTE)).await;
    let hasty = WebhookOptions { timeout: Duration::from_millis(50), ..options(&receiver.uri()) };
    let outcome = soon("the deadline", deliver(&publisher(hasty), &activated())).await;
    let Err(PublishError::Unavailable(cause)) = outcome else { panic!("{outcome:?}") };
    assert!(cause.to_string().contains("in time"), "{cause}");
}

#[tokio::test]
async fn an_event_that_is_too_old_is_given_up_only_once_it_fails() {
    let receiver = MockServer::start().await;
    let refuse = Mock::given(method("POST")).respond_with(ResponseTemplate::new(500));
    refuse.up_to_n_times(1).mount(&receiver).await;
    let take = Mock::given(method("POST")).respond_with(ResponseTemplate::new(200));
    take.mount(&receiver).await;
    let publisher = publisher(options(&receiver.uri()));
    // The example of RFC 9562 appendix A.6, of 2022.
    let old = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F".parse().unwrap();
    let event = of_user(UserId::from_uuid(unique_id()), old);
    let outcome = deliver(&publisher, &event).await;
    let Err(PublishError::Rejected(cause)) = outcome else { panic!("{outcome:?}") };
    let reason = ErrorChain(&*cause).to_string();
    assert!(reason.contains("given up") && reason.contains("500"), "{reason}");
    deliver(&publisher, &event).await.unwrap();
}

#[tokio::test]
async fn a_receiver_that_is_back_is_up() {
    let receiver = MockServer::start().await;
    let refuse = Mock::given(method("POST")).respond_with(ResponseTemplate::new(503));
    refuse.up_to_n_times(1).mount(&receiver).await;
    let take = Mock::given(method("POST")).respond_with(ResponseTemplate::new(200));
    take.mount(&receiver).await;
    let publisher = publisher(options(&receiver.uri()));
    let event = activated();
    deliver(&publisher, &event).await.unwrap_err();
    publisher.ping().await.unwrap_err();
    deliver(&publisher, &event).await.unwrap();
    publisher.ping().await.unwrap();
    let requests = receiver.received_requests().await.unwrap();
    assert_eq!(requests[0].headers["webhook-id"], requests[1].headers["webhook-id"]);
    assert_eq!(requests[0].body, requests[1].body);
}

#[tokio::test]
async fn a_receiver_that_is_down_may_say_when_to_ask_again() {
    // Without a number of seconds the usual delay applies, which is half a second at first.
    for (header, too_early) in [("60", 59_500), ("soon", 300)] {
        let busy = ResponseTemplate::new(503).insert_header("Retry-After", header);
        let receiver = answering(busy).await;
        let publisher = publisher(options(&receiver.uri()));
        deliver(&publisher, &activated()).await.unwrap_err();
        tokio::time::pause();
        tokio::time::advance(Duration::from_millis(too_early)).await;
        publisher.probe().await.unwrap_err();
        tokio::time::advance(Duration::from_millis(501)).await;
        publisher.probe().await.unwrap();
        tokio::time::resume();
    }
}

/// A server that certifies itself.
#[tokio::test]
async fn asvs_12_3_2_a_certificate_that_nobody_vouches_for_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = Identity::self_signed("localhost").acceptor();
    let handshake = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.is_ok()
    });
    let publisher = publisher(options(&format!("https://localhost:{port}/")));
    let outcome = deliver(&publisher, &activated()).await;
    let Err(PublishError::Unavailable(cause)) = outcome else { panic!("{outcome:?}") };
    let reason = ErrorChain(&*cause).to_string();
    assert!(reason.to_lowercase().contains("certificate"), "{reason}");
    assert!(!soon("the end of the handshake", handshake).await.unwrap());
}

/// The name is looked up for each connection, and what it leads to is judged then.
#[tokio::test]
async fn asvs_13_2_4_a_name_that_leads_into_a_private_network_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("https://localhost:{port}/");
    let public = WebhookOptions { allow_private_addresses: false, ..options(&url) };
    let outcome = deliver(&publisher(public), &activated()).await;
    let Err(PublishError::Unavailable(cause)) = outcome else { panic!("{outcome:?}") };
    let reason = ErrorChain(&*cause).to_string();
    assert!(reason.contains("webhooks.allow_private_addresses"), "{reason}");
    let connected = tokio::time::timeout(Duration::from_millis(20), listener.accept()).await;
    assert!(connected.is_err(), "it was connected to");
}

#[tokio::test]
async fn the_diagnosis_says_whether_the_receiver_can_be_reached() {
    let finding = async |status: u16| {
        let receiver = MockServer::start().await;
        let answer = Mock::given(method("HEAD")).respond_with(ResponseTemplate::new(status));
        answer.mount(&receiver).await;
        diagnose(options(&receiver.uri())).await.remove(0)
    };
    assert_eq!(finding(405).await.severity, Severity::Ok);
    assert_eq!(finding(503).await.severity, Severity::Warning);
    assert_eq!(finding(301).await.severity, Severity::Error);
    let closed = diagnose(options("http://127.0.0.1:1/?key=secret")).await.remove(0);
    assert_eq!(closed.severity, Severity::Error);
    assert!(!format!("{closed:?}").contains("secret"), "{closed:?}");
    let refused = diagnose(options("https://169.254.169.254/")).await.remove(0);
    assert!(refused.message.contains("link-local"), "{refused:?}");
}
