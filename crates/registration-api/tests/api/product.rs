//! What the product behind asks.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::UserEvent;
use domain::ports::{Allowance, BudgetKind};
use registration_api::http::{PublicUrl, product_document};
use registration_api::limits::Quotas;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{
    EMAIL, PASSWORD, ProductApp, TestApp, World, faults, options, product_problem,
};

const VERIFY: &str = "/v1/users/verify-password";
const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// The API and the product's listener in one world, with an active account.
async fn with_account() -> (TestApp, ProductApp, String) {
    let app = TestApp::start();
    app.active_user().await;
    let id = app.world.users.get(EMAIL).unwrap().id().to_string();
    let product = ProductApp::start(app.world.clone(), options());
    (app, product, id)
}

/// Only so many wrong passwords.
fn limited(per_address: u32, per_client: u32) -> ProductApp {
    let allowance = |amount| Some(Allowance { amount, period: Duration::from_hours(1) });
    let mut options = options();
    options.quotas = Quotas {
        wrong_passwords_per_address: allowance(per_address),
        wrong_passwords_per_client: allowance(per_client),
        ..Quotas::default()
    };
    ProductApp::start(World::default(), options)
}

async fn verify(product: &ProductApp, body: Value) -> Response {
    product.request(Method::POST, VERIFY).json(&body).send().await.unwrap()
}

/// Whether the answer to this password is 401 as it should be, or 429.
async fn guess(product: &ProductApp, email: &str, client: Option<&str>) -> u16 {
    let mut body = json!({"email": email, "password": "not the one"});
    if let Some(client) = client {
        body["client"] = client.into();
    }
    verify(product, body).await.status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_8_2_1_every_operation_of_the_product_asks_for_its_token() {
    let (app, product, id) = with_account().await;
    let user = format!("/v1/users/{id}");
    let paths = [
        (Method::GET, user.as_str()),
        (Method::DELETE, &user),
        (Method::GET, "/v1/users?email=ada@example.com"),
        (Method::POST, VERIFY),
        // Nobody learns which methods there are, either.
        (Method::PUT, &user),
        (Method::HEAD, &user),
    ];
    for (method, path) in paths {
        let ask = || product.http.request(method.clone(), product.url(path));
        let refused = ask().send().await.unwrap();
        assert_eq!(refused.headers()["www-authenticate"], "Bearer realm=\"product\"", "{path}");
        assert_eq!(refused.status(), 401);
        let other = format!("Bearer {}", "f".repeat(32));
        for authorization in [other.as_str(), "Bearer", "Basic YWRhOmJvYg==", ""] {
            let refused = ask().header("authorization", authorization).send().await.unwrap();
            let challenge = &refused.headers()["www-authenticate"];
            assert_eq!(challenge, "Bearer realm=\"product\", error=\"invalid_token\"");
            if method == Method::HEAD {
                assert_eq!(refused.status(), 401);
            } else {
                product_problem(refused, 401, "invalid-token").await;
            }
        }
    }
    assert!(app.world.users.get(EMAIL).is_some(), "nothing was deleted");
    assert_eq!(app.world.hasher.verifications.load(Ordering::Relaxed), 1, "only the activation's");
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_13_4_5_the_product_is_not_where_clients_are() {
    let (app, product, id) = with_account().await;
    for path in [VERIFY.to_owned(), format!("/v1/users/{id}"), "/v1/openapi.json".into()] {
        assert_eq!(app.get(&path).await.status(), 404, "{path}");
    }
    for path in ["/api/v1/users/register", "/api/v1/openapi.json", "/health/live", "/docs", "/"] {
        product_problem(product.get(path).await, 404, "not-found").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_looked_up_by_identifier_and_by_address() {
    let (_app, product, id) = with_account().await;
    let by_id = product.get(&format!("/v1/users/{id}")).await;
    assert_eq!(by_id.status(), 200);
    assert_eq!(by_id.headers()["cache-control"], "no-store");
    let account: Value = by_id.json().await.unwrap();
    let expected = json!({
        "user_id": id,
        "email": EMAIL,
        "is_active": true,
        "registered_at": "2024-06-10T02:35:18.400Z",
        "activated_at": "1970-01-01T00:00:00.000Z",
    });
    assert_eq!(account, expected);
    for address in ["ada@example.com", "ADA%40Example.com", "%20ada@example.com"] {
        let by_address = product.get(&format!("/v1/users?email={address}")).await;
        assert_eq!(by_address.json::<Value>().await.unwrap(), expected, "{address}");
    }
    let head = product.request(Method::HEAD, &format!("/v1/users/{id}")).send().await.unwrap();
    assert_eq!(head.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_waits_for_its_code_is_not_active() {
    let app = TestApp::start();
    let issue = app.pending_user().await;
    let product = ProductApp::start(app.world.clone(), options());
    let account: Value =
        product.get(&format!("/v1/users/{}", issue.user_id)).await.json().await.unwrap();
    assert_eq!((&account["is_active"], &account["activated_at"]), (&false.into(), &Value::Null));
    let refused = verify(&product, json!({"email": EMAIL, "password": PASSWORD})).await;
    product_problem(refused, 403, "not-active").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_there_is_404() {
    let product = ProductApp::start(World::default(), options());
    for path in [&format!("/v1/users/{NOBODY}"), "/v1/users?email=nobody@example.com"] {
        product_problem(product.get(path).await, 404, "user-not-found").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_or_a_query_with_errors_is_refused_with_pointers() {
    let product = ProductApp::start(World::default(), options());
    let by_id = format!("/v1/users/{NOBODY}");
    let cases = [
        ("/v1/users".to_owned(), vec![("/email", "missing")]),
        ("/v1/users?email=".into(), vec![("/email", "email-empty")]),
        // A plus that is not encoded is a space.
        ("/v1/users?email=ada+shop@example.com".into(), vec![("/email", "email-malformed")]),
        (
            "/v1/users?email=ada@example.com&email=bob@example.com".into(),
            vec![("/email", "duplicate")],
        ),
        (
            "/v1/users?mail=ada@example.com&a/b~c".into(),
            vec![("/mail", "unknown"), ("/a~1b~0c", "unknown"), ("/email", "missing")],
        ),
        ("/v1/users/7".into(), vec![("/id", "id-malformed")]),
        (format!("{by_id}?verbose"), vec![("/verbose", "unknown")]),
    ];
    for (path, expected) in cases {
        let document = product_problem(product.get(&path).await, 422, "validation-failed").await;
        assert_eq!(faults(&document), expected, "{path}");
    }
    let many: Vec<_> = (0..1000).map(|n| format!("p{n}=1")).collect();
    let many = many.join("&");
    let document =
        product_problem(product.get(&format!("{by_id}?{many}")).await, 422, "validation-failed");
    assert!(faults(&document.await).len() <= 10, "the answer is bounded");
    let delete = product.request(Method::DELETE, &format!("{by_id}?force=true"));
    product_problem(delete.send().await.unwrap(), 422, "validation-failed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_password_of_an_active_account_is_confirmed() {
    let (_app, product, id) = with_account().await;
    for body in [
        json!({"email": "ADA@example.com", "password": PASSWORD}),
        json!({"email": EMAIL, "password": PASSWORD, "client": "2001:db8::1"}),
    ] {
        let confirmed = verify(&product, body).await;
        assert_eq!(confirmed.status(), 200);
        let account: Value = confirmed.json().await.unwrap();
        assert_eq!(
            (&account["user_id"], &account["is_active"]),
            (&id.clone().into(), &true.into())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_the_product_cannot_tell_a_wrong_password_from_an_unknown_address() {
    let (_app, product, _) = with_account().await;
    let mut answers = Vec::new();
    for email in [EMAIL, "nobody@example.com"] {
        let before = product.world.hasher.verifications.load(Ordering::Relaxed);
        let refused = verify(&product, json!({"email": email, "password": "not the one"})).await;
        let after = product.world.hasher.verifications.load(Ordering::Relaxed);
        assert_eq!(after - before, 1, "one hash each");
        assert_eq!(refused.headers()["www-authenticate"], "Bearer realm=\"product\"");
        answers.push(product_problem(refused, 401, "wrong-credentials").await);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_with_errors_is_refused_with_pointers() {
    let product = ProductApp::start(World::default(), options());
    let right = json!({"email": EMAIL, "password": PASSWORD});
    let with = |field: &str, value: Value| {
        let mut body = right.clone();
        body[field] = value;
        body
    };
    for (body, expected) in [
        (json!({}), vec![("/email", "missing"), ("/password", "missing")]),
        (with("email", 1.into()), vec![("/email", "wrong-type")]),
        (with("email", "ada".into()), vec![("/email", "email-malformed")]),
        (with("password", Value::Null), vec![("/password", "wrong-type")]),
        (with("client", "localhost".into()), vec![("/client", "client-malformed")]),
        (with("client", Value::Null), vec![("/client", "wrong-type")]),
        (with("ip", "203.0.113.7".into()), vec![("/ip", "unknown")]),
    ] {
        let refused = verify(&product, body.clone()).await;
        let document = product_problem(refused, 422, "validation-failed").await;
        assert_eq!(faults(&document), expected, "{body}");
        assert!(!document.to_string().contains(PASSWORD));
    }
    let post = |path: &str| product.request(Method::POST, path);
    let refused = post(&format!("{VERIFY}?a=b")).json(&right).send().await.unwrap();
    product_problem(refused, 422, "validation-failed").await;
    let form = post(VERIFY).header("content-type", "application/x-www-form-urlencoded");
    let form = form.body("email=ada@example.com").send().await.unwrap();
    product_problem(form, 415, "unsupported-media-type").await;
    let huge = verify(&product, with("password", "x".repeat(20_000).into())).await;
    product_problem(huge, 413, "payload-too-large").await;
    assert_eq!(product.world.hasher.verifications.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_1_wrong_passwords_are_limited_per_address_whether_or_not_it_exists() {
    let product = limited(3, 100);
    for email in [EMAIL, "nobody@example.com"] {
        for _ in 0..3 {
            assert_eq!(guess(&product, email, None).await, 401);
        }
        let refused = verify(&product, json!({"email": email, "password": "any"})).await;
        assert_eq!(refused.headers()["retry-after"], "91");
        product_problem(refused, 429, "rate-limited").await;
    }
    assert_eq!(product.world.hasher.verifications.load(Ordering::Relaxed), 6, "before any hash");
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_1_wrong_passwords_are_limited_per_person_s_client_over_all_addresses() {
    let product = limited(100, 3);
    let client = Some("203.0.113.7");
    for n in 0..3 {
        assert_eq!(guess(&product, &format!("a{n}@example.com"), client).await, 401);
    }
    assert_eq!(guess(&product, "another@example.com", client).await, 429);
    assert_eq!(guess(&product, "another@example.com", Some("203.0.113.8")).await, 401);
    assert_eq!(guess(&product, "another@example.com", None).await, 401);
    let spent = product.world.guesses.spent_of(BudgetKind::PasswordsOfAddress);
    assert!(!spent.contains(&("another@example.com".to_owned(), 3)), "a refusal costs nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_wrong_passwords_count() {
    let (app, _, _) = with_account().await;
    let mut options = options();
    let allowance = Some(Allowance { amount: 1, period: Duration::from_hours(1) });
    options.quotas = Quotas {
        wrong_passwords_per_address: allowance,
        wrong_passwords_per_client: allowance,
        ..Quotas::default()
    };
    let product = ProductApp::start(app.world.clone(), options);
    let right = json!({"email": EMAIL, "password": PASSWORD, "client": "203.0.113.7"});
    for _ in 0..3 {
        assert_eq!(verify(&product, right.clone()).await.status(), 200);
    }
    product.world.hasher.is_overloaded.store(true, Ordering::Relaxed);
    product_problem(verify(&product, right.clone()).await, 503, "overloaded").await;
    product.world.hasher.is_overloaded.store(false, Ordering::Relaxed);
    for kind in [BudgetKind::PasswordsOfAddress, BudgetKind::PasswordsOfClient] {
        assert_eq!(product.world.guesses.spent_of(kind), []);
    }
    assert_eq!(guess(&product, EMAIL, Some("203.0.113.7")).await, 401);
    assert_eq!(verify(&product, right).await.status(), 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_is_gone_and_its_event_recorded() {
    let (app, product, id) = with_account().await;
    let path = format!("/v1/users/{id}");
    let user_id = app.world.users.get(EMAIL).unwrap().id();
    let deleted = product.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(deleted.status(), 204);
    assert_eq!(deleted.bytes().await.unwrap().len(), 0);
    let last = app.world.users.events.lock().unwrap().last().unwrap().kind.clone();
    assert_eq!(last, UserEvent::UserDeleted { user_id });
    product_problem(product.get(&path).await, 404, "user-not-found").await;
    let again = product.request(Method::DELETE, &path).send().await.unwrap();
    product_problem(again, 404, "user-not-found").await;
    let refused = verify(&product, json!({"email": EMAIL, "password": PASSWORD})).await;
    product_problem(refused, 401, "wrong-credentials").await;
    assert_eq!(app.register(EMAIL, PASSWORD).await.status(), 201, "the address is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_16_5_1_without_the_store_the_product_is_told_to_wait() {
    let (app, product, id) = with_account().await;
    app.world.users.is_down.store(true, Ordering::Relaxed);
    let path = format!("/v1/users/{id}");
    for request in [
        product.request(Method::GET, &path),
        product.request(Method::DELETE, &path),
        product.request(Method::GET, "/v1/users?email=ada@example.com"),
        product.request(Method::POST, VERIFY).json(&json!({"email": EMAIL, "password": PASSWORD})),
    ] {
        let refused = request.send().await.unwrap();
        assert!(refused.headers().contains_key("retry-after"));
        product_problem(refused, 503, "unavailable").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_are_refused_by_name() {
    let (_app, product, id) = with_account().await;
    for (path, allow) in [
        (format!("/v1/users/{id}"), "GET, HEAD, DELETE"),
        ("/v1/users".into(), "GET, HEAD"),
        (VERIFY.into(), "POST"),
    ] {
        let refused = product.request(Method::PUT, &path).send().await.unwrap();
        assert_eq!(refused.headers()["allow"], allow);
        product_problem(refused, 405, "method-not-allowed").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_and_the_problems_need_no_token() {
    let product = ProductApp::start(World::default(), options());
    let open = async |path: &str| product.http.get(product.url(path)).send().await.unwrap();
    let document = open("/v1/openapi.json").await;
    assert_eq!(document.text().await.unwrap(), product_document(&PublicUrl::default()));
    let page = open("/docs/problems").await.text().await.unwrap();
    assert!(page.contains("id=\"wrong-credentials\""));
    assert_eq!(open("/docs/style.css").await.status(), 200);
}

#[test]
fn the_committed_document_of_the_product_is_the_generated_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/product-openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == product_document(&PublicUrl::default()),
        "the product's operations have changed and crates/registration-api/product-openapi.json has not; look at \
         the difference after `cargo run -p registration-api -- openapi --product > \
         crates/registration-api/product-openapi.json`"
    );
}

#[test]
fn the_document_of_the_product_says_what_each_operation_answers() {
    let document: Value = serde_json::from_str(&product_document(&PublicUrl::default())).unwrap();
    let statuses = |path: &str, method: &str| {
        let responses = document["paths"][path][method]["responses"].as_object().unwrap();
        responses.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(statuses("/v1/users", "get"), "200 401 404 406 422 500 503");
    assert_eq!(statuses("/v1/users/{id}", "get"), "200 401 404 406 422 500 503");
    assert_eq!(statuses("/v1/users/{id}", "delete"), "204 401 404 406 422 500 503");
    let of_verification = "200 400 401 403 406 408 413 415 422 429 500 503";
    assert_eq!(statuses("/v1/users/verify-password", "post"), of_verification);
    let bearer = json!([{"bearer": []}]);
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            let is_document = path == "/v1/openapi.json";
            let expected = if is_document { json!([]) } else { bearer.clone() };
            assert_eq!(operation["security"], expected, "{path}");
        }
    }
    let codes = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let codes: Vec<_> = codes.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(codes.contains(&"wrong-credentials") && !codes.contains(&"code-invalid"), "{codes:?}");
    let public = PublicUrl::parse("https://example.com/signup").unwrap();
    let document: Value = serde_json::from_str(&product_document(&public)).unwrap();
    assert_eq!(document["servers"][0]["url"], "..", "the public URL is not the product's");
}
