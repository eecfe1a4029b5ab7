use std::sync::atomic::Ordering;

use domain::UserEvent;
use serde_json::Value;

use crate::support::{EMAIL, PASSWORD, TestApp, World, behind_a_proxy, faults, problem};

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_claimed_with_its_event() {
    let app = TestApp::start_with(World::default(), behind_a_proxy());
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let body = serde_json::json!({"email": " Ada@Example.COM ", "password": PASSWORD});
    let request = app.post("/api/v1/users/register").header("traceparent", trace).json(&body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-request-id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    let body: Value = response.json().await.unwrap();
    let user = app.world.users.get(EMAIL).unwrap();
    assert_eq!(body["user_id"], user.id().to_string());
    assert_eq!(body["email"], "Ada@example.com");
    assert!(body["message"].is_string());
    assert_eq!(body.as_object().unwrap().len(), 3);
    let events = app.world.users.events.lock().unwrap().clone();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event.kind, UserEvent::UserRegistered { issue: user.issue() });
    assert_eq!(event.trace.to_string(), trace);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_address_is_refused() {
    let app = TestApp::start();
    assert_eq!(app.register(EMAIL, PASSWORD).await.status(), 201);
    problem(app.register("ADA@example.com", PASSWORD).await, 409, "email-taken").await;
    assert_eq!(app.world.users.event_kinds(), ["UserRegistered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_reported_and_nothing_is_hashed() {
    let app = TestApp::start();
    let cases = [
        (
            r#"{"email":"nobody","password":"short"}"#,
            vec![("/email", "email-malformed"), ("/password", "password-too-short")],
        ),
        (
            r#"{"email":"","password":"p\u0000assword"}"#,
            vec![("/email", "email-empty"), ("/password", "password-control-character")],
        ),
        ("{}", vec![("/email", "missing"), ("/password", "missing")]),
        (
            r#"{"email":1,"password":null}"#,
            vec![("/email", "wrong-type"), ("/password", "wrong-type")],
        ),
        (
            r#"{"email":["a@b.cd"],"password":{"a":1}}"#,
            vec![("/email", "wrong-type"), ("/password", "wrong-type")],
        ),
        (
            r#"{"email":"a@b.cd","email":"a@b.cd","password":"password"}"#,
            vec![("/email", "duplicate")],
        ),
        (
            r#"{"email":"a@b.cd\r\nBcc: x@y.zz","password":"password"}"#,
            vec![("/email", "email-malformed")],
        ),
        (r#"{"email":"mü@b.cd","password":"password"}"#, vec![("/email", "email-not-ascii")]),
        ("[]", vec![("", "not-an-object")]),
    ];
    for (body, expected) in cases {
        let request = app
            .post("/api/v1/users/register")
            .header("content-type", "application/json")
            .body(body);
        let document = problem(request.send().await.unwrap(), 422, "validation-failed").await;
        assert_eq!(faults(&document), expected, "{body}");
    }
    let long = app.register(EMAIL, &"x".repeat(129)).await;
    assert_eq!(
        faults(&problem(long, 422, "validation-failed").await),
        [("/password", "password-too-long")]
    );
    let long = app.register(&format!("{}@example.com", "x".repeat(65)), PASSWORD).await;
    assert_eq!(
        faults(&problem(long, 422, "validation-failed").await),
        [("/email", "email-too-long")]
    );
    assert_eq!(app.world.hasher.hashes.load(Ordering::Relaxed), 0);
    assert!(app.world.users.event_kinds().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn valid_forms_are_accepted() {
    let app = TestApp::start();
    let cycle = |letters: &str, length| letters.chars().cycle().take(length).collect();
    let passwords: [String; 5] = [
        cycle("äöüßéèêçñøåæœ", 64),
        cycle("🐎🐖🐄🐑🐐🐓🦆", 128),
        "  8 char ".into(),
        "with:colon:".into(),
        "\"quo'ted\\".into(),
    ];
    let addresses =
        ["o'brien@example.com", "a!b+tag@example.com", "i@bücher.example", "a@b.cd", "c@d.ef"];
    for (email, password) in addresses.into_iter().zip(passwords) {
        let response = app.register(email, &password).await;
        assert_eq!(response.status(), 201, "{email}");
    }
    assert!(app.world.users.get("i@xn--bcher-kva.example").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_15_2_2_an_overloaded_hasher_is_503_with_retry_after() {
    let app = TestApp::start();
    app.world.hasher.is_overloaded.store(true, Ordering::Relaxed);
    let response = app.register(EMAIL, PASSWORD).await;
    assert_eq!(response.headers()["retry-after"], "2");
    problem(response, 503, "overloaded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_16_5_1_an_unavailable_store_is_503_without_its_cause() {
    let app = TestApp::start();
    app.world.users.is_down.store(true, Ordering::Relaxed);
    let response = app.register(EMAIL, PASSWORD).await;
    assert!(response.headers().contains_key("retry-after"));
    problem(response, 503, "unavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_16_5_2_registration_needs_no_code_store() {
    let app = TestApp::start();
    app.world.codes.is_down.store(true, Ordering::Relaxed);
    app.world.limiter.is_down.store(true, Ordering::Relaxed);
    assert_eq!(app.register(EMAIL, PASSWORD).await.status(), 201);
}
