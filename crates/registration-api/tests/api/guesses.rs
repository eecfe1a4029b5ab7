//! How many wrong codes one client may send, over all codes and addresses.

use domain::CodeIssue;
use domain::ports::{Allowance, BudgetKind};
use futures::future::join_all;
use registration_api::http::client_address::TrustedProxies;
use registration_api::limits::Quotas;
use registration_api::use_cases::ExistingAccount;
use reqwest::Response;
use serde_json::json;
use std::time::Duration;

use crate::support::{PASSWORD, TestApp, World, code, options, problem, wrong_code};

const CLIENT: &str = "203.0.113.7";

fn limited(amount: u32, existing_account: ExistingAccount) -> TestApp {
    let mut options = options();
    options.existing_account = existing_account;
    let wrong_guesses_per_client = Some(Allowance { amount, period: Duration::from_hours(1) });
    options.quotas = Quotas { wrong_guesses_per_client, ..Quotas::default() };
    options.trusted_proxies = TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap()]);
    TestApp::start_with(World::default(), options)
}

/// A registration whose code is mailed.
async fn pending(app: &TestApp, email: &str) -> CodeIssue {
    app.register(email, PASSWORD).await;
    let issue = app.world.users.get(email).unwrap().issue();
    app.world.users.mail_accepted(issue);
    app.world.codes.open_window(issue, 5);
    issue
}

async fn activate_from(app: &TestApp, client: &str, email: &str, code: &str) -> Response {
    let request = app.post("/api/v1/users/activate").header("x-forwarded-for", client);
    request.basic_auth(email, Some(PASSWORD)).json(&json!({ "code": code })).send().await.unwrap()
}

async fn guess_wrong_from(app: &TestApp, client: &str, email: &str) -> u16 {
    let issue = app.world.users.get(email).unwrap().issue();
    activate_from(app, client, email, &wrong_code(issue)).await.status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_1_wrong_guesses_of_a_client_are_counted_over_all_addresses() {
    let app = limited(6, ExistingAccount::Reveal);
    pending(&app, "ada@example.com").await;
    let bobs = pending(&app, "bob@example.com").await;
    for (email, guesses) in [("ada@example.com", 4), ("bob@example.com", 2)] {
        for _ in 0..guesses {
            assert_eq!(guess_wrong_from(&app, CLIENT, email).await, 400);
        }
    }
    let refused = activate_from(&app, CLIENT, "bob@example.com", &code(bobs)).await;
    assert_eq!(refused.headers()["retry-after"], "91");
    problem(refused, 429, "too-many-attempts").await;
    // Nothing was compared, and the code is as good as before for another client.
    assert_eq!(
        activate_from(&app, "203.0.113.8", "bob@example.com", &code(bobs)).await.status(),
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_1_1_only_codes_that_were_compared_and_wrong_are_counted() {
    let app = limited(1, ExistingAccount::Reveal);
    for email in ["ada@example.com", "bob@example.com", "eve@example.com"] {
        let issue = pending(&app, email).await;
        assert_eq!(activate_from(&app, CLIENT, email, &code(issue)).await.status(), 200);
        problem(activate_from(&app, CLIENT, email, &code(issue)).await, 409, "already-active")
            .await;
    }
    let expired = pending(&app, "joe@example.com").await;
    app.world.codes.expire(expired);
    problem(
        activate_from(&app, CLIENT, "joe@example.com", &code(expired)).await,
        410,
        "code-expired",
    )
    .await;
    problem(
        activate_from(&app, CLIENT, "nobody@example.com", "0000").await,
        401,
        "invalid-credentials",
    )
    .await;
    assert_eq!(app.world.guesses.spent_of(BudgetKind::GuessesOfClient), []);
    pending(&app, "mia@example.com").await;
    assert_eq!(guess_wrong_from(&app, CLIENT, "mia@example.com").await, 400);
    assert_eq!(guess_wrong_from(&app, CLIENT, "mia@example.com").await, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_6_3_parallel_guesses_of_a_client_are_counted_before_they_are_compared() {
    let app = limited(10, ExistingAccount::Reveal);
    let emails: Vec<_> = (0..50).map(|number| format!("user{number}@example.com")).collect();
    for email in &emails {
        pending(&app, email).await;
    }
    let statuses = join_all(emails.iter().map(|email| guess_wrong_from(&app, CLIENT, email))).await;
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 10, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 40, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_1_ipv6_networks_have_four_and_sixteen_times_as_many() {
    let app = limited(1, ExistingAccount::Reveal);
    let email = "ada@example.com";
    let issue = pending(&app, email).await;
    let mut compared = Vec::new();
    for network in 0..0x600 {
        // Two addresses of each /64.
        for host in ["1", "ffff:2"] {
            app.world.codes.open_window(issue, 5);
            app.world.guesses.spent.store(0, std::sync::atomic::Ordering::Relaxed);
            // Of each /56, six of its /64 are tried.
            if network & 0xff < 6 {
                let client = format!("2001:db8:7:{network:x}::{host}");
                compared.push((network, guess_wrong_from(&app, &client, email).await == 400));
            }
        }
    }
    let allowed: Vec<_> =
        compared.iter().filter(|(_, allowed)| *allowed).map(|(network, _)| *network).collect();
    let expected: Vec<_> =
        (0..4).flat_map(|wide| (0..4).map(move |narrow| wide * 0x100 + narrow)).collect();
    assert_eq!(allowed, expected);
    // What a wider network was refused is not kept for the narrower ones: 16 of a /64, 4 of a /56,
    // 1 of a /48.
    assert_eq!(app.world.guesses.spent_of(BudgetKind::GuessesOfClient).len(), 16 + 4 + 1);
    assert_eq!(guess_wrong_from(&app, "2001:db8:8::1", email).await, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_a_client_cannot_tell_by_its_guesses_left_whose_password_was_right() {
    let app = limited(3, ExistingAccount::Conceal);
    pending(&app, "ada@example.com").await;
    let answers = async |client: &str, email: &str| {
        let mut statuses = Vec::new();
        for _ in 0..5 {
            statuses.push(activate_from(&app, client, email, "000a").await.status().as_u16());
            statuses.push(activate_from(&app, client, email, "0000").await.status().as_u16());
        }
        statuses
    };
    assert_ne!(code(app.world.users.get("ada@example.com").unwrap().issue()), "0000");
    let own = answers("203.0.113.1", "ada@example.com").await;
    assert_eq!(own, [422, 401, 422, 401, 422, 401, 422, 429, 422, 429]);
    assert_eq!(answers("203.0.113.2", "nobody@example.com").await, own);
    // The right code costs nothing.
    for (email, client) in [("bob@example.com", "203.0.113.3"), ("eve@example.com", "203.0.113.3")]
    {
        let issue = pending(&app, email).await;
        assert_eq!(activate_from(&app, client, email, &code(issue)).await.status(), 200);
        problem(activate_from(&app, client, email, &code(issue)).await, 409, "already-active")
            .await;
    }
    let spent = app.world.guesses.spent_of(BudgetKind::GuessesOfClient);
    assert!(spent.iter().all(|(client, _)| client != "203.0.113.3"), "{spent:?}");
}
