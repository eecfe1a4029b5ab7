use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::ports::Quota;
use registration_api::http::client_address::TrustedProxies;
use registration_api::limits::{ActionQuotas, Quotas};

use crate::support::{EMAIL, Limiter, PASSWORD, TestApp, World, options, problem};

const TWO: Option<Quota> = Some(Quota { burst: 2, period: Duration::from_mins(1) });

fn limited(world: World, quotas: Quotas, proxies: &[&str]) -> TestApp {
    let mut options = options();
    options.quotas = quotas;
    options.trusted_proxies =
        TrustedProxies::new(proxies.iter().map(|network| network.parse().unwrap()).collect());
    TestApp::start_with(world, options)
}

fn everywhere(quotas: ActionQuotas) -> Quotas {
    Quotas { register: quotas, activate: quotas, resend_code: quotas, further_codes: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_2_4_1_a_client_is_limited_before_anything_is_hashed() {
    let app = limited(World::default(), everywhere(ActionQuotas { client: TWO, address: None }), &[]);
    for action in ["register", "activate", "resend-code"] {
        let url = format!("/api/v1/users/{action}");
        let ask = || app.post(&url).basic_auth("nobody@example.com", Some("p")).body("{").send();
        ask().await.unwrap();
        ask().await.unwrap();
        let before = app.world.hasher.verifications.load(Ordering::Relaxed);
        let response = ask().await.unwrap();
        assert_eq!(response.headers()["retry-after"], "7");
        assert_eq!(response.headers()["ratelimit-policy"], format!("\"{action}-client\";q=2;w=60"));
        assert_eq!(response.headers()["ratelimit"], format!("\"{action}-client\";r=0;t=60"));
        problem(response, 429, "rate-limited").await;
        assert_eq!(app.world.hasher.verifications.load(Ordering::Relaxed), before);
    }
    assert_eq!(app.world.hasher.hashes.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_1_an_address_is_limited_whether_or_not_it_exists() {
    let app = limited(World::default(), everywhere(ActionQuotas { client: None, address: TWO }), &[]);
    for email in ["ADA@example.com", "ada@example.com"] {
        app.register(email, PASSWORD).await;
    }
    problem(app.register(EMAIL, PASSWORD).await, 429, "rate-limited").await;
    assert_eq!(app.world.hasher.hashes.load(Ordering::Relaxed), 2);
    for email in [EMAIL, "nobody@example.com"] {
        for _ in 0..2 {
            problem(app.activate(email, "wrong password", "0000").await, 401, "invalid-credentials").await;
            problem(app.resend(email, "wrong password").await, 401, "invalid-credentials").await;
        }
        problem(app.activate(email, "wrong password", "0000").await, 429, "rate-limited").await;
        problem(app.resend(email, "wrong password").await, 429, "rate-limited").await;
    }
    assert_eq!(app.world.hasher.verifications.load(Ordering::Relaxed), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_16_5_2_the_fallback_counts_while_the_limiter_is_down() {
    let world = World { fallback: Some(Arc::new(Limiter::default())), ..World::default() };
    let fallback = world.fallback.clone().unwrap();
    let quotas = everywhere(ActionQuotas { client: TWO, address: None });
    let app = limited(world, quotas, &[]);
    app.world.limiter.is_down.store(true, Ordering::Relaxed);
    for status in [201, 409, 429] {
        assert_eq!(app.register(EMAIL, PASSWORD).await.status(), status);
    }
    app.world.limiter.is_down.store(false, Ordering::Relaxed);
    assert_eq!(app.register(EMAIL, PASSWORD).await.status(), 409);
    // Neither limiter: nobody is turned away for that.
    app.world.limiter.is_down.store(true, Ordering::Relaxed);
    fallback.is_down.store(true, Ordering::Relaxed);
    assert_eq!(app.register(EMAIL, PASSWORD).await.status(), 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_4_1_3_forwarding_headers_count_only_from_our_own_proxies() {
    let quotas = everywhere(ActionQuotas { client: TWO, address: None });
    let ask = async |app: &TestApp, forwarded: &str| {
        let request = app.post("/api/v1/users/register").header("x-forwarded-for", forwarded);
        request.header("forwarded", "for=198.51.100.99").send().await.unwrap();
    };
    let open = limited(World::default(), quotas, &[]);
    ask(&open, "198.51.100.1").await;
    ask(&open, "198.51.100.2").await;
    assert_eq!(open.world.limiter.keys(), ["register-client:127.0.0.1"]);
    let behind = limited(World::default(), quotas, &["127.0.0.0/8", "10.0.0.0/8"]);
    ask(&behind, "198.51.100.1, 203.0.113.9, 10.0.0.2").await;
    ask(&behind, "198.51.100.2, 2001:db8:1:2:3::9").await;
    let expected = ["register-client:2001:db8:1:2::/64", "register-client:203.0.113.9"];
    assert_eq!(behind.world.limiter.keys(), expected);
}
