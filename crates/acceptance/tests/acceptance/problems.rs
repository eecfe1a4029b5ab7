//! The errors of the contract: status, problem document and headers of each.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use acceptance::{Account, Journey, Reply, Setup, journeys};

const REGISTER: &str = "/api/v1/users/register";
const ACTIVATE: &str = "/api/v1/users/activate";
const RESEND: &str = "/api/v1/users/resend-code";

journeys!(both {
    a_body_that_is_not_json_is_refused: Setup::ordinary(), [
        "POST /api/v1/users/register 400", "POST /api/v1/users/activate 400"
    ];
    an_unknown_path_is_not_found: Setup::ordinary(), [];
    asvs_4_1_1_another_method_is_not_allowed: Setup::ordinary(), [];
    asvs_4_1_1_only_json_is_spoken: Setup::ordinary(), [
        "POST /api/v1/users/register 406",
        "POST /api/v1/users/register 415",
        "POST /api/v1/users/activate 406",
        "POST /api/v1/users/activate 415",
        "POST /api/v1/users/resend-code 406",
    ];
    a_body_over_16_kib_is_too_large: Setup::ordinary(), [
        "POST /api/v1/users/register 413", "POST /api/v1/users/activate 413"
    ];
    a_field_that_breaks_the_rules_is_pointed_at: Setup::ordinary(), [
        "POST /api/v1/users/register 422", "POST /api/v1/users/activate 422"
    ];
    asvs_6_3_8_a_wrong_password_and_an_unknown_address_look_the_same: Setup::ordinary(), [
        "POST /api/v1/users/activate 401", "POST /api/v1/users/resend-code 401"
    ];
    asvs_6_6_3_new_codes_buy_no_more_than_twenty_guesses: Setup::ordinary(), ["POST /api/v1/users/activate 429"];
    asvs_6_6_3_a_code_has_five_attempts: Setup::ordinary(), ["POST /api/v1/users/activate 429"];
});

async fn a_body_that_is_not_json_is_refused(journey: &Journey) {
    let api = &journey.api;
    let (account, _) = journey.registered().await;
    for body in ["", "{", "nonsense", "{\"email\": }", "{} {}"] {
        api.send(api.post(REGISTER, body)).await.expect_problem(400, "malformed-json");
        let activation = api.post(ACTIVATE, body).header("authorization", account.basic());
        api.send(activation).await.expect_problem(400, "malformed-json");
    }
}

async fn an_unknown_path_is_not_found(journey: &Journey) {
    for path in
        ["/nowhere", "/api/v1/users", "/api/v1/users/register/", "/api/v1/users/%2e%2e/register"]
    {
        journey.api.get(path).await.expect_problem(404, "not-found");
    }
}

async fn asvs_4_1_1_another_method_is_not_allowed(journey: &Journey) {
    for path in [REGISTER, ACTIVATE, RESEND] {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let reply = journey.api.send(journey.api.request(method, path)).await;
            reply.expect_problem(405, "method-not-allowed");
            assert_eq!(reply.header("allow"), "POST");
        }
    }
}

async fn asvs_4_1_1_only_json_is_spoken(journey: &Journey) {
    let api = &journey.api;
    let account = Account::new();
    let body = json!({ "email": account.email, "password": account.password }).to_string();
    for path in [REGISTER, ACTIVATE, RESEND] {
        let request = api.post(path, body.clone()).header("authorization", account.basic());
        api.send(request.header("accept", "text/html")).await.expect_problem(406, "not-acceptable");
    }
    for path in [REGISTER, ACTIVATE] {
        for media_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "nonsense"]
        {
            let request = api.request(Method::POST, path).header("authorization", account.basic());
            let reply =
                api.send(request.header("content-type", media_type).body(body.clone())).await;
            reply.expect_problem(415, "unsupported-media-type");
        }
        let request = api.request(Method::POST, path).header("authorization", account.basic());
        api.send(request.body(body.clone())).await.expect_problem(415, "unsupported-media-type");
    }
    for accepted in
        ["*/*", "application/*", "application/json", "text/html, application/json;q=0.5"]
    {
        let account = Account::new();
        let body = json!({ "email": account.email, "password": account.password }).to_string();
        api.send(api.post(REGISTER, body).header("accept", accepted)).await.expect_status(201);
    }
}

async fn a_body_over_16_kib_is_too_large(journey: &Journey) {
    let api = &journey.api;
    let account = Account::new();
    for length in [17 * 1024, 1_000_000] {
        let body = json!({ "email": account.email, "password": "p".repeat(length) }).to_string();
        api.send(api.post(REGISTER, body)).await.expect_problem(413, "payload-too-large");
        let body = json!({ "code": "1".repeat(length) }).to_string();
        let request = api.post(ACTIVATE, body).header("authorization", account.basic());
        api.send(request).await.expect_problem(413, "payload-too-large");
    }
    api.register(&account).await.expect_status(201);
}

async fn a_field_that_breaks_the_rules_is_pointed_at(journey: &Journey) {
    let account = Account::new();
    let nameless = Account { email: "nobody".into(), ..account.clone() };
    journey.api.register(&nameless).await.expect_invalid("/email");
    journey.api.register(&account.with_password("short")).await.expect_invalid("/password");
    let both = journey.api.register(&nameless.with_password("short")).await;
    both.expect_invalid("/email").expect_invalid("/password");
    assert!(!both.body.contains("short-") && !both.body.contains("\"short\""), "{both:?}");

    let (account, _) = journey.registered().await;
    for code in ["", "123", "12345", "12a4", " 123", "-123", "１２３"] {
        journey.api.activate(&account, code).await.expect_invalid("/code");
    }
}

async fn asvs_6_3_8_a_wrong_password_and_an_unknown_address_look_the_same(journey: &Journey) {
    let (account, _) = journey.registered().await;
    let (wrong, unknown) = (account.with_wrong_password(), Account::new());
    let activations =
        (journey.api.activate(&wrong, "0000").await, journey.api.activate(&unknown, "0000").await);
    let resends = (journey.api.resend(&wrong).await, journey.api.resend(&unknown).await);
    for (wrong, unknown) in [activations, resends] {
        wrong.expect_problem(401, "invalid-credentials");
        assert_eq!(wrong.body, unknown.body);
        assert_eq!(wrong.status, unknown.status);
        assert_eq!(telling_headers(&wrong), telling_headers(&unknown));
    }
}

/// The headers of an answer, apart from those that differ from request to request.
fn telling_headers(reply: &Reply) -> BTreeSet<(String, String)> {
    let headers =
        reply.headers.iter().filter(|(name, _)| *name != "date" && *name != "x-request-id");
    headers.map(|(name, value)| (name.to_string(), format!("{value:?}"))).collect()
}

async fn asvs_6_6_3_a_code_has_five_attempts(journey: &Journey) {
    let (account, mail) = journey.registered().await;
    let wrong = if mail.code() == "0000" { "0001" } else { "0000" };
    for _ in 0..5 {
        journey.api.activate(&account, wrong).await.expect_problem(400, "code-invalid");
    }
    journey.api.activate(&account, wrong).await.expect_problem(429, "too-many-attempts");
    // Even the right one comes too late now; another code does not.
    journey.api.activate(&account, &mail.code()).await.expect_problem(429, "too-many-attempts");
    journey.api.resend(&account).await.expect_status(200);
    let mails = journey.mailbox.expect(&account.email, 2).await;
    journey.api.activate(&account, &mails[1].code()).await.expect_status(200);
}

async fn asvs_6_6_3_new_codes_buy_no_more_than_twenty_guesses(journey: &Journey) {
    let (account, mail) = journey.registered().await;
    let mut code = mail.code();
    let mut compared = 0;
    for round in 1..=5 {
        let wrong = if code == "0000" { "0001" } else { "0000" };
        for _ in 0..5 {
            let reply = journey.api.activate(&account, wrong).await;
            compared += usize::from(reply.status == 400);
            assert_eq!(reply.status == 400, round <= 4, "guess in round {round}: {reply:?}");
        }
        journey.api.resend(&account).await.expect_status(200);
        code = journey.mailbox.expect(&account.email, 1 + round).await[round].code();
    }
    assert_eq!(compared, 20);
    let refusal = journey.api.activate(&account, &code).await;
    refusal.expect_problem(429, "too-many-attempts");
    assert!(refusal.retry_after() > 23 * 3600, "{refusal:?}");
}
