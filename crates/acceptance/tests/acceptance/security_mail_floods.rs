//! A client, or many of them, that have somebody mailed again and again: by claims, further codes
//! and tagged addresses. One mailbox gets so many mails and no more (OWASP ASVS 2.4.1, 6.3.1), and
//! no single client can use them up (6.1.1).

use std::collections::BTreeMap;

use serde_json::json;

use acceptance::{Account, Journey, Reply, Setup, journeys};
use test_support::{eventually, unique_name};

/// Of the defaults, those about mails.
fn with_limits_on_mails() -> Setup {
    let off = ["register_per_client", "register_per_address", "resend_per_client", "further_codes"];
    let setup = Setup::own().with_default_limits().with("http.trusted_proxies", "127.0.0.0/8");
    off.iter().fold(setup, |setup, limit| setup.with(&format!("limits.{limit}"), "off"))
}

journeys!(both {
    asvs_2_4_1_sixty_tags_from_sixty_networks_mail_six_times: with_limits_on_mails(), [
        "POST /api/v1/users/register 429"
    ];
    asvs_2_4_1_claims_and_resends_of_one_address_are_mailed_four_times: with_limits_on_mails(), [
        "POST /api/v1/users/resend-code 429"
    ];
    asvs_6_1_1_no_single_network_keeps_an_owner_out: with_limits_on_mails(), [];
});

/// Registers as a client of another network.
async fn register_from(journey: &Journey, client: &str, account: &Account) -> Reply {
    let body = json!({ "email": account.email, "password": account.password }).to_string();
    let request = journey.api.post("/api/v1/users/register", body);
    journey.api.send(request.header("x-forwarded-for", client)).await
}

/// Addresses of one mailbox.
fn tagged(count: usize) -> Vec<Account> {
    let mailbox = unique_name();
    let tag =
        |number| Account { email: format!("{mailbox}+{number}@example.com"), ..Account::new() };
    (0..count).map(tag).collect()
}

fn count(replies: &[Reply]) -> BTreeMap<u16, usize> {
    replies.iter().fold(BTreeMap::new(), |mut counts, reply| {
        *counts.entry(reply.status).or_default() += 1;
        counts
    })
}

/// Waits until all accounts together have been sent this many mails, and makes sure that no more
/// follow.
async fn expect_mails(journey: &Journey, accounts: &[Account], expected: usize) {
    let count = async || {
        let mut count = 0;
        for account in accounts {
            count += journey.mailbox.mails(&account.email).await.len();
        }
        count
    };
    eventually(&format!("{expected} mails"), async || (count().await >= expected).then_some(()))
        .await;
    let settled = Account::new();
    register_from(journey, "192.0.2.1", &settled).await.expect_status(201);
    journey.mailbox.first(&settled.email).await;
    assert_eq!(count().await, expected);
}

async fn asvs_2_4_1_sixty_tags_from_sixty_networks_mail_six_times(journey: &Journey) {
    let accounts = tagged(60);
    let mut replies = Vec::new();
    for (number, account) in accounts.iter().enumerate() {
        replies.push(register_from(journey, &format!("198.51.100.{number}"), account).await);
    }
    assert_eq!(count(&replies), BTreeMap::from([(201, 6), (429, 54)]));
    let (last, refusal) = accounts.iter().zip(&replies).next_back().unwrap();
    refusal.expect_problem(429, "rate-limited");
    assert!(refusal.retry_after() <= 3600, "{refusal:?}");
    expect_mails(journey, &accounts, 6).await;
    journey.api.activate(last, "0000").await.expect_problem(401, "invalid-credentials");
}

async fn asvs_2_4_1_claims_and_resends_of_one_address_are_mailed_four_times(journey: &Journey) {
    let (account, _) = journey.registered().await;
    // What causes no mail costs none.
    for _ in 0..10 {
        journey.api.register(&account).await.expect_problem(409, "email-taken");
    }
    for mails in 2..=4 {
        journey.api.resend(&account).await.expect_status(200);
        journey.mailbox.expect(&account.email, mails).await;
    }
    let code = journey.mailbox.mails(&account.email).await[3].code();
    for _ in 0..5 {
        journey.api.resend(&account).await.expect_problem(429, "rate-limited");
    }
    expect_mails(journey, std::slice::from_ref(&account), 4).await;
    journey.api.activate(&account, &code).await.expect_status(200);
}

async fn asvs_6_1_1_no_single_network_keeps_an_owner_out(journey: &Journey) {
    let accounts = tagged(20);
    let mut replies = Vec::new();
    for (number, account) in accounts[..19].iter().enumerate() {
        // Every address of a site, and each of its networks.
        replies.push(register_from(journey, &format!("2001:db8:7:{number}::1"), account).await);
    }
    assert_eq!(count(&replies), BTreeMap::from([(201, 4), (429, 15)]));
    let owner = &accounts[19];
    register_from(journey, "203.0.113.7", owner).await.expect_status(201);
    let mail = journey.mailbox.first(&owner.email).await;
    journey.api.activate(owner, &mail.code()).await.expect_status(200);
}
