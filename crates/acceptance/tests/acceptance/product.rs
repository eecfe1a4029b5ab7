//! What the product behind asks on its listener, and what a deletion leaves.

use acceptance::{Account, Client, Journey, Reply, Secrets, Setup, journeys};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn three_guesses_per_day() -> Setup {
    Setup::own().with("code.guesses_per_day", "3")
}

fn three_wrong_passwords() -> Setup {
    Setup::own().with("limits.wrong_passwords_per_address", "3/1h")
}

journeys!(both {
    the_product_looks_accounts_up: Setup::ordinary(), [];
    the_product_verifies_passwords: Setup::ordinary(), [];
    the_product_deletes_accounts: Setup::ordinary(), [];
    asvs_8_2_1_without_the_token_the_product_is_told_nothing: Setup::ordinary(), [];
    asvs_6_3_1_wrong_passwords_are_limited_and_right_ones_are_not: three_wrong_passwords(), [];
    asvs_6_1_1_a_deletion_buys_no_guesses: three_guesses_per_day(), [];
    the_product_is_served_until_the_end: Setup::own(), [];
});

/// A refusal of the product's listener, whose challenge is its own.
#[track_caller]
fn expect_refusal<'a>(reply: &'a Reply, status: u16, code: &str) -> &'a Reply {
    reply.expect_status(status);
    assert_eq!(reply.text("code"), code, "{reply:?}");
    assert_eq!(reply.header("content-type"), "application/problem+json", "{reply:?}");
    if status == 401 {
        assert!(reply.header("www-authenticate").starts_with("Bearer "), "{reply:?}");
    }
    reply
}

/// An active account and its identifier.
async fn activated(journey: &Journey) -> (Account, String) {
    let account = journey.activated().await;
    let found = journey.system.product().user_of(&account.email).await;
    let id = found.expect_status(200).text("user_id");
    (account, id)
}

async fn the_product_looks_accounts_up(journey: &Journey) {
    let product = journey.system.product();
    let (account, mail) = journey.registered().await;
    let pending = product.user_of(&account.email).await;
    let pending = pending.expect_status(200).json();
    assert_eq!((&pending["is_active"], &pending["activated_at"]), (&false.into(), &Value::Null));
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    let by_id = product.user(pending["user_id"].as_str().unwrap()).await;
    let active = by_id.expect_status(200).json();
    assert_eq!(
        (&active["is_active"], &active["email"]),
        (&true.into(), &account.email.as_str().into())
    );
    let times = ["registered_at", "activated_at"].map(|field| active[field].as_str().unwrap());
    assert!(times[0] < times[1] && times.iter().all(|time| time.ends_with('Z')), "{times:?}");
    assert_eq!(active["registered_at"], pending["registered_at"]);
    assert_eq!(product.user_of(&account.email.to_uppercase()).await.json(), active);
    expect_refusal(&product.user(NOBODY).await, 404, "user-not-found");
    expect_refusal(&product.user_of("nobody@example.com").await, 404, "user-not-found");
    product.user("7").await.expect_invalid("/id");
    product.user_of("").await.expect_invalid("/email");
    product.user_of(&format!("{}&verbose=1", account.email)).await.expect_invalid("/verbose");
}

async fn the_product_verifies_passwords(journey: &Journey) {
    let product = journey.system.product();
    let (account, mail) = journey.registered().await;
    expect_refusal(&product.verify(&account).await, 403, "not-active");
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    let confirmed = product.verify(&account).await.expect_status(200).json();
    assert_eq!(product.user_of(&account.email).await.json(), confirmed);
    let wrong = product.verify(&account.with_wrong_password()).await;
    let unknown = product.verify(&Account::new()).await;
    for refused in [&wrong, &unknown] {
        expect_refusal(refused, 401, "wrong-credentials");
    }
    assert_eq!(wrong.body, unknown.body);
}

async fn the_product_deletes_accounts(journey: &Journey) {
    let product = journey.system.product();
    let (account, id) = activated(journey).await;
    product.delete(&id).await.expect_status(204);
    for gone in [product.user(&id).await, product.user_of(&account.email).await] {
        expect_refusal(&gone, 404, "user-not-found");
    }
    expect_refusal(&product.delete(&id).await, 404, "user-not-found");
    expect_refusal(&product.verify(&account).await, 401, "wrong-credentials");
    journey.api.resend(&account).await.expect_problem(401, "invalid-credentials");
    // The address is free again, for another account.
    let again = journey.api.register(&account).await.expect_status(201).text("user_id");
    assert_ne!(again, id);
    let code = journey.mailbox.expect(&account.email, 2).await[1].code();
    journey.api.activate(&account, &code).await.expect_status(200);
}

async fn asvs_8_2_1_without_the_token_the_product_is_told_nothing(journey: &Journey) {
    let (account, id) = activated(journey).await;
    let anybody = Client::new(&journey.system.addresses.product, Secrets::default());
    let by_id = format!("/v1/users/{id}");
    let by_address = format!("/v1/users?email={}", account.email);
    for (method, path) in [
        (Method::GET, by_id.as_str()),
        (Method::DELETE, &by_id),
        (Method::GET, &by_address),
        (Method::POST, "/v1/users/verify-password"),
    ] {
        for token in [None, Some("0".repeat(32))] {
            let request = anybody.request(method.clone(), path);
            let request = token.iter().fold(request, RequestBuilder::bearer_auth);
            expect_refusal(&anybody.send(request).await, 401, "invalid-token");
        }
    }
    journey.system.product().user(&id).await.expect_status(200);
    for path in [by_id.as_str(), &by_address, "/v1/openapi.json"] {
        assert_eq!(journey.api.get(path).await.status, 404, "{path} is not for the public");
    }
    anybody.get("/v1/openapi.json").await.expect_status(200);
}

async fn asvs_6_3_1_wrong_passwords_are_limited_and_right_ones_are_not(journey: &Journey) {
    let product = journey.system.product();
    let (account, _) = activated(journey).await;
    for _ in 0..5 {
        product.verify(&account).await.expect_status(200);
    }
    for asked in [account, Account::new()] {
        for _ in 0..3 {
            let wrong = product.verify(&asked.with_wrong_password()).await;
            expect_refusal(&wrong, 401, "wrong-credentials");
        }
        let refused = product.verify(&asked).await;
        assert!(expect_refusal(&refused, 429, "rate-limited").retry_after() > 60);
    }
}

async fn asvs_6_1_1_a_deletion_buys_no_guesses(journey: &Journey) {
    let product = journey.system.product();
    let (account, mail) = journey.registered().await;
    let wrong = if mail.code() == "0000" { "0001" } else { "0000" };
    for _ in 0..3 {
        journey.api.activate(&account, wrong).await.expect_problem(400, "code-invalid");
    }
    journey.api.activate(&account, &mail.code()).await.expect_problem(429, "too-many-attempts");
    let id = product.user_of(&account.email).await.text("user_id");
    product.delete(&id).await.expect_status(204);
    journey.api.register(&account).await.expect_status(201);
    let code = journey.mailbox.expect(&account.email, 2).await[1].code();
    journey.api.activate(&account, &code).await.expect_problem(429, "too-many-attempts");
}

/// The listener ends with the API, and no longer keeps the process from ending.
async fn the_product_is_served_until_the_end(journey: &Journey) {
    let product = journey.system.product();
    product.user(NOBODY).await.expect_status(404);
    let status = journey.system.api().terminate().await;
    assert!(status.success(), "{status}");
    journey.system.api().start().await;
    product.user(NOBODY).await.expect_status(404);
}

/// A trusted caller learns who has an account, whatever the public is told.
pub(crate) mod in_conceal_mode {
    use super::*;

    journeys!(both {
        concealment_is_not_for_the_product:
            Setup::own().with("registration.existing_account", "conceal"), [];
    });

    async fn concealment_is_not_for_the_product(journey: &Journey) {
        let product = journey.system.product();
        let account = Account::new();
        journey.api.register(&account).await.expect_status(202);
        let code = journey.mailbox.first(&account.email).await.code();
        expect_refusal(&product.verify(&account).await, 403, "not-active");
        journey.api.activate(&account, &code).await.expect_status(200);
        product.verify(&account).await.expect_status(200);
        let id = product.user_of(&account.email).await.text("user_id");
        product.delete(&id).await.expect_status(204);
        journey.api.register(&account).await.expect_status(202);
        journey.mailbox.expect(&account.email, 2).await[1].code();
    }
}
