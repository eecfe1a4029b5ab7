use std::sync::atomic::Ordering;

use domain::UserEvent;
use serde_json::Value;

use crate::support::{
    EMAIL, PASSWORD, TestApp, World, code, faults, options, problem, stranger, wrong_code,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_code_makes_the_account_active() {
    let app = TestApp::start();
    let issue = app.pending_user().await;
    let response = app.activate("ADA@example.com", PASSWORD, &code(issue)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["user_id"], issue.user_id.to_string());
    assert_eq!((body["email"].as_str(), &body["is_active"]), (Some(EMAIL), &Value::Bool(true)));
    assert!(body["message"].is_string() && body.as_object().unwrap().len() == 4);
    assert!(app.world.users.get(EMAIL).unwrap().is_active());
    let last = app.world.users.events.lock().unwrap().last().unwrap().kind.clone();
    assert_eq!(last, UserEvent::UserActivated { user_id: issue.user_id });
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_5_1_a_code_works_once() {
    let app = TestApp::start();
    let issue = app.pending_user().await;
    let code = code(issue);
    let attempts = (0..5).map(|_| app.activate(EMAIL, PASSWORD, &code));
    let mut statuses: Vec<_> = futures::future::join_all(attempts)
        .await
        .iter()
        .map(|answer| answer.status().as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409]);
    assert_eq!(app.world.users.event_kinds(), ["UserRegistered", "UserActivated"]);
    problem(app.activate(EMAIL, PASSWORD, &code).await, 409, "already-active").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_6_3_wrong_guesses_are_counted_before_they_are_compared() {
    let app = TestApp::start();
    let issue = app.pending_user().await;
    for left in ["4 more", "3 more", "2 more", "once more", "cannot be tried again"] {
        let document =
            problem(app.activate(EMAIL, PASSWORD, &wrong_code(issue)).await, 400, "code-invalid")
                .await;
        assert!(document["detail"].as_str().unwrap().contains(left), "{document}");
    }
    let response = app.activate(EMAIL, PASSWORD, &code(issue)).await;
    assert_eq!(response.headers()["retry-after"], "60");
    problem(response, 429, "too-many-attempts").await;
    assert_eq!(app.world.guesses.spent.load(Ordering::Relaxed), 5);
    assert!(!app.world.users.get(EMAIL).unwrap().is_active());
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_6_3_guesses_of_an_address_are_budgeted() {
    let app = TestApp::start();
    let issue = app.pending_user().await;
    app.world.guesses.spent.store(20, Ordering::Relaxed);
    let response = app.activate(EMAIL, PASSWORD, &code(issue)).await;
    assert_eq!(response.headers()["retry-after"], "91");
    problem(response, 429, "too-many-attempts").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_not_mailed_yet_is_not_expired() {
    let app = TestApp::start();
    assert_eq!(app.register(EMAIL, PASSWORD).await.status(), 201);
    let issue = app.world.users.get(EMAIL).unwrap().issue();
    let document = problem(app.activate(EMAIL, PASSWORD, "0000").await, 400, "code-invalid").await;
    assert!(document["detail"].as_str().unwrap().contains("on its way"));
    // The worker's first opening may run out while a slow mail server still holds the mail.
    app.world.codes.open_window(issue, 5);
    app.world.codes.expire(issue);
    problem(app.activate(EMAIL, PASSWORD, "0000").await, 400, "code-invalid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_5_5_an_expired_or_forgotten_code_is_gone() {
    let app = TestApp::start();
    let issue = app.pending_user().await;
    app.world.codes.expire(issue);
    problem(app.activate(EMAIL, PASSWORD, &code(issue)).await, 410, "code-expired").await;
    app.world.codes.forget(issue);
    problem(app.activate(EMAIL, PASSWORD, &code(issue)).await, 410, "code-expired").await;
    app.world.codes.open_window(issue, 5);
    app.world.codes.expires_before_consumption.store(true, Ordering::Relaxed);
    problem(app.activate(EMAIL, PASSWORD, &code(issue)).await, 410, "code-expired").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_unknown_address_wrong_password_and_broken_credentials_look_the_same() {
    let app = TestApp::start();
    app.pending_user().await;
    let mut answers = Vec::new();
    for (email, password) in
        [("nobody@example.com", PASSWORD), (EMAIL, "wrong password"), ("no address", PASSWORD)]
    {
        answers.push(app.activate(email, password, "1234").await);
    }
    let body = serde_json::json!({"code": "1234"});
    answers.push(app.post("/api/v1/users/activate").json(&body).send().await.unwrap());
    for header in ["Basic !!!", "Basic", "Bearer token", "Basic YUBleGFtcGxlLmNvbTo="] {
        let request =
            app.post("/api/v1/users/activate").header("authorization", header).json(&body);
        answers.push(request.send().await.unwrap());
    }
    let mut seen = Vec::new();
    for response in answers {
        let challenge = "Basic realm=\"registration\", charset=\"UTF-8\"";
        assert_eq!(response.headers()["www-authenticate"], challenge);
        let mut headers = response.headers().clone();
        headers.remove("x-request-id");
        headers.remove("date");
        let body = problem(response, 401, "invalid-credentials").await;
        seen.push((headers, body));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    // The unknown address cost a verification too.
    assert_eq!(app.world.hasher.verifications.load(Ordering::Relaxed), 2);
    assert_eq!(app.world.guesses.spent.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc_7617_non_ascii_credentials_with_colons_work() {
    let app = TestApp::start();
    let password = "pässwörd:🐎:";
    assert_eq!(app.register("i@bücher.example", password).await.status(), 201);
    problem(app.activate("i@bücher.example", password, "0000").await, 400, "code-invalid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_a_string_of_digits() {
    let app = TestApp::start();
    app.pending_user().await;
    let cases = [
        (r#"{"code":"123"}"#, "code-malformed"),
        (r#"{"code":"12345"}"#, "code-malformed"),
        (r#"{"code":"12a4"}"#, "code-malformed"),
        (r#"{"code":"12.34"}"#, "code-malformed"),
        (r#"{"code":" - "}"#, "code-malformed"),
        (r#"{"code":"١٢٣٤"}"#, "code-malformed"),
        (r#"{"code":"-123"}"#, "code-malformed"),
        (r#"{"code":1234}"#, "wrong-type"),
        (r#"{"code":null}"#, "wrong-type"),
        (r#"{"code":"1234","code":"1234"}"#, "duplicate"),
        ("{}", "missing"),
    ];
    for (body, expected) in cases {
        let request = app.post("/api/v1/users/activate").basic_auth(EMAIL, Some(PASSWORD));
        let request = request.header("content-type", "application/json").body(body);
        let document = problem(request.send().await.unwrap(), 422, "validation-failed").await;
        assert_eq!(faults(&document), [("/code", expected)], "{body}");
    }
    // Nothing was spent on them.
    assert_eq!(app.world.hasher.verifications.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_accepted_as_people_type_and_paste_it() {
    for separators in ["{} {}", " {}-{}\n", "{}\u{a0}{}", "{}\u{2011}{}"] {
        let app = TestApp::start();
        let code = code(app.pending_user().await);
        let (first, second) = code.split_at(2);
        let typed = separators.replacen("{}", first, 1).replacen("{}", second, 1);
        assert_eq!(app.activate(EMAIL, PASSWORD, &typed).await.status(), 200, "{typed:?}");
    }
    let app = TestApp::start();
    let issue = app.pending_user().await;
    let full_width = |code: String| -> String {
        code.chars().map(|c| char::from_u32(u32::from(c) - 0x30 + 0xff10).unwrap()).collect()
    };
    // Compared like any other guess.
    let answer = app.activate(EMAIL, PASSWORD, &full_width(wrong_code(issue))).await;
    problem(answer, 400, "code-invalid").await;
    assert_eq!(app.activate(EMAIL, PASSWORD, &full_width(code(issue))).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_looked_at_before_the_body() {
    let app = TestApp::start();
    let response = app.post("/api/v1/users/activate").body("{").send().await.unwrap();
    problem(response, 401, "invalid-credentials").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_16_5_2_without_code_store_it_is_503() {
    let app = TestApp::start();
    let issue = app.pending_user().await;
    app.world.codes.is_down.store(true, Ordering::Relaxed);
    let response = app.activate(EMAIL, PASSWORD, &code(issue)).await;
    assert!(response.headers().contains_key("retry-after"));
    problem(response, 503, "unavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_2_3_3_a_code_is_given_back_when_the_user_cannot_be_saved() {
    let app = TestApp::start();
    let issue = app.pending_user().await;
    app.world.users.is_read_only.store(true, Ordering::Relaxed);
    problem(app.activate(EMAIL, PASSWORD, &code(issue)).await, 503, "unavailable").await;
    assert_eq!(app.world.codes.releases.load(Ordering::Relaxed), 1);
    app.world.users.is_read_only.store(false, Ordering::Relaxed);
    assert_eq!(app.activate(EMAIL, PASSWORD, &code(issue)).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_2_3_3_a_code_is_given_back_when_the_store_answers_too_late() {
    let app = TestApp::start();
    let issue = app.pending_user().await;
    app.world.codes.answers_late.store(true, Ordering::Relaxed);
    problem(app.activate(EMAIL, PASSWORD, &code(issue)).await, 503, "unavailable").await;
    assert_eq!(app.activate(EMAIL, PASSWORD, &code(issue)).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_changed_meanwhile_is_looked_at_again() {
    let app = TestApp::start();
    let issue = app.pending_user().await;
    app.world.users.before_next_save(|users| {
        users.get_mut(EMAIL).unwrap().activate().unwrap();
    });
    problem(app.activate(EMAIL, PASSWORD, &code(issue)).await, 409, "already-active").await;

    let app = TestApp::start();
    let issue = app.pending_user().await;
    app.world.users.before_next_save(|users| {
        users.get_mut(EMAIL).unwrap().request_code().unwrap();
    });
    problem(app.activate(EMAIL, PASSWORD, &code(issue)).await, 400, "code-invalid").await;

    let app = TestApp::start();
    let issue = app.pending_user().await;
    app.world.users.before_next_save(|users| {
        users.insert(EMAIL.into(), stranger());
    });
    problem(app.activate(EMAIL, PASSWORD, &code(issue)).await, 401, "invalid-credentials").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_6_2_an_earlier_claims_code_and_password_open_nothing() {
    let app = TestApp::start();
    let issue = app.pending_user().await;
    app.world.users.put(stranger());
    problem(app.activate(EMAIL, PASSWORD, &code(issue)).await, 401, "invalid-credentials").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_11_4_2_an_outdated_hash_is_replaced_and_nothing_depends_on_it() {
    let app = TestApp::start();
    let issue = app.pending_user().await;
    app.world.hasher.is_outdated.store(true, Ordering::Relaxed);
    problem(app.activate(EMAIL, PASSWORD, &wrong_code(issue)).await, 400, "code-invalid").await;
    let upgraded = app.world.users.get(EMAIL).unwrap().password_hash().clone();
    assert_eq!(upgraded.as_phc(), format!("1:{PASSWORD}"));
    app.world.users.is_read_only.store(true, Ordering::Relaxed);
    problem(app.activate(EMAIL, PASSWORD, &wrong_code(issue)).await, 400, "code-invalid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_5_4_longer_codes_are_a_setting() {
    let mut options = options();
    options.code_length = domain::CodeLength::new(8).unwrap();
    let app = TestApp::start_with(World::default(), options);
    let issue = app.pending_user().await;
    problem(app.activate(EMAIL, PASSWORD, &code(issue)).await, 422, "validation-failed").await;
    let code = crate::support::key().derive(issue, domain::CodeLength::new(8).unwrap());
    assert_eq!(app.activate(EMAIL, PASSWORD, code.expose()).await.status(), 200);
}
