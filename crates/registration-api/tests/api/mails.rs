//! How many mails one mailbox gets, whatever combination of claims, further codes and notices asks
//! for them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::ports::{Allowance, BudgetKind};
use registration_api::http::client_address::TrustedProxies;
use registration_api::limits::Quotas;
use registration_api::use_cases::ExistingAccount;
use reqwest::Response;
use serde_json::json;

use test_support::soon;

use crate::support::{EMAIL, Limiter, PASSWORD, TestApp, World, options, problem};

const HOUR: Duration = Duration::from_hours(1);

/// Six mails for a mailbox, four of them for one network.
fn limited(world: World, existing_account: ExistingAccount) -> TestApp {
    let mut options = options();
    options.existing_account = existing_account;
    options.quotas = Quotas {
        mails_per_mailbox: vec![Allowance { amount: 6, period: HOUR }],
        mails_per_mailbox_and_network: vec![Allowance { amount: 4, period: HOUR }],
        ..Quotas::default()
    };
    options.trusted_proxies = TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap()]);
    TestApp::start_with(world, options)
}

fn revealing() -> TestApp {
    limited(World::default(), ExistingAccount::Reveal)
}

async fn register_from(app: &TestApp, client: &str, email: &str) -> Response {
    let request = app.post("/api/v1/users/register").header("x-forwarded-for", client);
    request.json(&json!({"email": email, "password": PASSWORD})).send().await.unwrap()
}

async fn statuses(app: &TestApp, client: &str, emails: impl Iterator<Item = String>) -> Vec<u16> {
    let mut statuses = Vec::new();
    for email in emails {
        statuses.push(register_from(app, client, &email).await.status().as_u16());
    }
    statuses
}

fn tags(numbers: std::ops::Range<u32>) -> impl Iterator<Item = String> {
    numbers.map(|number| format!("ada+{number}@example.com"))
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_2_4_1_tags_are_one_mailbox() {
    let app = revealing();
    assert_eq!(statuses(&app, "198.51.100.1", tags(0..3)).await, [201; 3]);
    assert_eq!(statuses(&app, "198.51.100.2", tags(3..6)).await, [201; 3]);
    let refused = register_from(&app, "198.51.100.3", "ADA+7@example.com").await;
    assert_eq!(refused.headers()["retry-after"], "91");
    problem(refused, 429, "rate-limited").await;
    assert!(app.world.users.get("ada+7@example.com").is_none(), "no claim is made");
    // Another mailbox gets its mails.
    assert_eq!(register_from(&app, "198.51.100.3", "bob@example.com").await.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_2_4_1_claims_and_further_codes_share_the_mails_of_a_mailbox() {
    let app = revealing();
    assert_eq!(app.register(EMAIL, PASSWORD).await.status(), 201);
    for _ in 0..3 {
        assert_eq!(app.resend(EMAIL, PASSWORD).await.status(), 200);
    }
    let refused = app.resend(EMAIL, PASSWORD).await;
    assert_eq!(refused.headers()["retry-after"], "91");
    problem(refused, 429, "rate-limited").await;
    assert_eq!(
        app.world.users.get(EMAIL).unwrap().issue().number,
        4,
        "the code before stays valid"
    );
    assert_eq!(app.world.guesses.spent_of(BudgetKind::Mails), [(EMAIL.to_owned(), 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_1_1_no_single_network_uses_up_somebodys_mails() {
    let app = revealing();
    assert_eq!(statuses(&app, "198.51.100.1", tags(0..6)).await, [201, 201, 201, 201, 429, 429]);
    // What was refused to the network is not missing to others. An IPv6 site is one network.
    let site = ["2001:db8:7:1::1", "2001:db8:7:2::1"];
    assert_eq!(register_from(&app, site[0], "ada+7@example.com").await.status(), 201);
    let expected = [
        ("198.51.100.1 ada@example.com".to_owned(), 4),
        ("2001:db8:7::/48 ada@example.com".to_owned(), 1),
    ];
    assert_eq!(app.world.guesses.spent_of(BudgetKind::MailsOfNetwork), expected);
    assert_eq!(register_from(&app, site[1], EMAIL).await.status(), 201);
    assert_eq!(app.world.guesses.spent_of(BudgetKind::Mails), [(EMAIL.to_owned(), 6)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_causes_no_mail_costs_none() {
    let app = revealing();
    assert_eq!(app.register(EMAIL, PASSWORD).await.status(), 201);
    let one = [(EMAIL.to_owned(), 1)];
    for _ in 0..10 {
        problem(app.register(EMAIL, PASSWORD).await, 409, "email-taken").await;
    }
    app.world.users.is_read_only.store(true, Ordering::Relaxed);
    for _ in 0..10 {
        problem(app.register("ada+1@example.com", PASSWORD).await, 503, "unavailable").await;
        problem(app.resend(EMAIL, PASSWORD).await, 503, "unavailable").await;
    }
    app.world.users.is_read_only.store(false, Ordering::Relaxed);
    app.world.users.before_next_save(|users| {
        users.get_mut(EMAIL).unwrap().request_code().unwrap();
    });
    assert_eq!(
        app.resend(EMAIL, PASSWORD).await.status(),
        200,
        "somebody else's code is on its way"
    );
    problem(app.resend(EMAIL, "a wrong password").await, 401, "invalid-credentials").await;
    assert_eq!(app.world.guesses.spent_of(BudgetKind::Mails), one);
    assert_eq!(app.world.guesses.spent_of(BudgetKind::MailsOfNetwork).len(), 1);
    assert_eq!(app.resend(EMAIL, PASSWORD).await.status(), 200);
    assert_eq!(app.world.guesses.spent_of(BudgetKind::Mails), [(EMAIL.to_owned(), 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_over_the_limit_a_concealed_claim_is_accepted_and_not_made() {
    let app = limited(World::default(), ExistingAccount::Conceal);
    assert_eq!(statuses(&app, "198.51.100.1", tags(0..4)).await, [202; 4]);
    assert_eq!(statuses(&app, "198.51.100.1", tags(4..6)).await, [202; 2]);
    assert!(app.world.users.get("ada+3@example.com").is_some());
    assert!(app.world.users.get("ada+4@example.com").is_none());
    assert_eq!(app.world.users.event_kinds(), ["UserRegistered"; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_to_owners_count_and_only_if_they_are_sent() {
    let app = limited(World::default(), ExistingAccount::Conceal);
    app.register(EMAIL, PASSWORD).await;
    let mut user = app.world.users.get(EMAIL).unwrap();
    user.activate().unwrap();
    app.world.users.put(user);
    for notices in 1..=3 {
        assert_eq!(app.register(EMAIL, PASSWORD).await.status(), 202);
        soon("the next step", async {
            while app.world.users.notices.load(Ordering::Relaxed) < notices {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    soon("the next step", async {
        while app.world.guesses.spent_of(BudgetKind::Mails) != [(EMAIL.to_owned(), 2)] {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(app.world.users.event_kinds(), ["UserRegistered", "RegistrationRepeated"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_16_5_2_the_fallback_counts_mails_while_the_budget_is_down() {
    let world = World { fallback: Some(Arc::new(Limiter::default())), ..World::default() };
    let app = limited(world, ExistingAccount::Reveal);
    app.world.guesses.is_down.store(true, Ordering::Relaxed);
    assert_eq!(statuses(&app, "198.51.100.1", tags(0..5)).await, [201, 201, 201, 201, 429]);
    // Neither answers: nobody is turned away for that.
    app.world.fallback_budget.is_down.store(true, Ordering::Relaxed);
    assert_eq!(statuses(&app, "198.51.100.1", tags(5..6)).await, [201]);
}
