use std::sync::atomic::Ordering;

use domain::UserEvent;
use registration_api::limits::Quotas;
use serde_json::Value;
use std::time::Duration;

use crate::support::{EMAIL, PASSWORD, TestApp, World, code, options, problem, stranger};

#[tokio::test(flavor = "multi_thread")]
async fn another_code_replaces_the_first() {
    let app = TestApp::start();
    let first = app.pending_user().await;
    let response = app.resend(EMAIL, PASSWORD).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body: Value = response.json().await.unwrap();
    assert!(
        body["email"] == EMAIL
            && body["message"].is_string()
            && body.as_object().unwrap().len() == 2
    );
    let second = app.world.users.get(EMAIL).unwrap().issue();
    assert_eq!(second.number, 2);
    let last = app.world.users.events.lock().unwrap().last().unwrap().kind.clone();
    assert_eq!(last, UserEvent::CodeRequested { issue: second });
    problem(app.activate(EMAIL, PASSWORD, &code(first)).await, 400, "code-invalid").await;
    app.world.users.mail_accepted(second);
    app.world.codes.open_window(second, 5);
    problem(app.activate(EMAIL, PASSWORD, &code(first)).await, 400, "code-invalid").await;
    assert_eq!(app.activate(EMAIL, PASSWORD, &code(second)).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals() {
    let app = TestApp::start();
    problem(app.resend(EMAIL, PASSWORD).await, 401, "invalid-credentials").await;
    app.active_user().await;
    problem(app.resend(EMAIL, "wrong password").await, 401, "invalid-credentials").await;
    problem(app.resend(EMAIL, PASSWORD).await, 409, "already-active").await;
    app.world.users.is_down.store(true, Ordering::Relaxed);
    problem(app.resend(EMAIL, PASSWORD).await, 503, "unavailable").await;
    app.world.hasher.is_overloaded.store(true, Ordering::Relaxed);
    app.world.users.is_down.store(false, Ordering::Relaxed);
    problem(app.resend(EMAIL, PASSWORD).await, 503, "overloaded").await;
    let response = app.post("/api/v1/users/resend-code").send().await.unwrap();
    problem(response, 401, "invalid-credentials").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parallel_request_is_no_failure() {
    let app = TestApp::start();
    app.pending_user().await;
    app.world.users.before_next_save(|users| {
        users.get_mut(EMAIL).unwrap().request_code().unwrap();
    });
    assert_eq!(app.resend(EMAIL, PASSWORD).await.status(), 200);
    app.world.users.before_next_save(|users| {
        users.get_mut(EMAIL).unwrap().activate().unwrap();
    });
    problem(app.resend(EMAIL, PASSWORD).await, 409, "already-active").await;

    let app = TestApp::start();
    app.pending_user().await;
    app.world.users.before_next_save(|users| {
        users.insert(EMAIL.into(), stranger());
    });
    problem(app.resend(EMAIL, PASSWORD).await, 401, "invalid-credentials").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_1_1_further_codes_are_limited_and_strangers_cannot_use_them_up() {
    let mut options = options();
    let quota = domain::ports::Quota { burst: 1, period: Duration::from_mins(10) };
    options.quotas = Quotas { further_codes: Some(quota), ..Quotas::default() };
    let app = TestApp::start_with(World::default(), options);
    app.pending_user().await;
    for _ in 0..3 {
        problem(app.resend(EMAIL, "wrong password").await, 401, "invalid-credentials").await;
    }
    assert_eq!(app.resend(EMAIL, PASSWORD).await.status(), 200);
    let response = app.resend(EMAIL, PASSWORD).await;
    assert_eq!(response.headers()["retry-after"], "7");
    problem(response, 429, "rate-limited").await;
    assert_eq!(app.world.users.get(EMAIL).unwrap().issue().number, 2);
}
