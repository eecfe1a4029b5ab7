use std::sync::atomic::Ordering;
use std::time::Duration;

use registration_api::use_cases::ExistingAccount;
use reqwest::header::HeaderMap;
use test_support::eventually;
use tokio::time::Instant;

use crate::support::{EMAIL, PASSWORD, TestApp, World, options, problem};

fn concealing() -> TestApp {
    let mut options = options();
    options.existing_account = ExistingAccount::Conceal;
    TestApp::start_with(World::default(), options)
}

/// Status, headers but for the request id, and body.
async fn answer(app: &TestApp, email: &str) -> (u16, HeaderMap, String) {
    let response = app.register(email, PASSWORD).await;
    let mut headers = response.headers().clone();
    headers.remove("x-request-id");
    headers.remove("date");
    (response.status().as_u16(), headers, response.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_every_address_gets_the_same_answer() {
    let app = concealing();
    let free = answer(&app, EMAIL).await;
    assert_eq!(free.0, 202);
    let pending = answer(&app, EMAIL).await;
    let issue = app.world.users.get(EMAIL).unwrap().issue();
    app.world.users.mail_accepted(issue);
    app.world.codes.open_window(issue, 5);
    assert_eq!(app.activate(EMAIL, PASSWORD, &crate::support::code(issue)).await.status(), 200);
    let active = answer(&app, EMAIL).await;
    assert_eq!(free, pending);
    assert_eq!(free, active);
    assert!(!free.2.contains("user_id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_of_an_active_account_is_told_and_not_over_and_over() {
    let app = concealing();
    answer(&app, EMAIL).await;
    answer(&app, EMAIL).await;
    assert_eq!(app.world.users.event_kinds(), ["UserRegistered"]);
    let mut user = app.world.users.get(EMAIL).unwrap();
    user.activate().unwrap();
    app.world.users.put(user);
    answer(&app, EMAIL).await;
    answer(&app, EMAIL).await;
    // In tasks of their own.
    eventually("the notices", async || {
        (app.world.users.notices.load(Ordering::Relaxed) == 2).then_some(())
    })
    .await;
    assert_eq!(app.world.users.event_kinds(), ["UserRegistered", "RegistrationRepeated"]);
}

/// That the time is rounded up, whatever a request costs, is shown beside the code.
#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_no_answer_comes_before_a_whole_step() {
    const STEP: Duration = Duration::from_millis(100);
    let app = concealing();
    for _ in 0..2 {
        let started = Instant::now();
        app.register(EMAIL, PASSWORD).await;
        assert!(started.elapsed() >= STEP, "register");
        let started = Instant::now();
        app.activate(EMAIL, PASSWORD, "0000").await;
        assert!(started.elapsed() >= STEP, "activate");
        let started = Instant::now();
        app.resend(EMAIL, PASSWORD).await;
        assert!(started.elapsed() >= STEP, "resend-code");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_still_told() {
    let app = concealing();
    problem(app.register("nobody", PASSWORD).await, 422, "validation-failed").await;
    app.world.users.is_down.store(true, Ordering::Relaxed);
    problem(app.register(EMAIL, PASSWORD).await, 503, "unavailable").await;
}
