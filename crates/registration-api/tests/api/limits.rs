use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::ports::Quota;
use registration_api::http::client_address::TrustedProxies;
use registration_api::limits::{ActionQuotas, Quotas};
use registration_api::use_cases::ExistingAccount;
use reqwest::Response;

use crate::support::{EMAIL, Limiter, PASSWORD, TestApp, World, code, options, problem};

const TWO: Option<Quota> = Some(Quota { burst: 2, period: Duration::from_mins(1) });
const TWENTY: Option<Quota> = Some(Quota { burst: 20, period: Duration::from_mins(10) });
const BOTH: ActionQuotas = ActionQuotas { client: TWENTY, address: TWO };

fn limited(world: World, quotas: Quotas, proxies: &[&str]) -> TestApp {
    let mut options = options();
    options.quotas = quotas;
    options.trusted_proxies =
        TrustedProxies::new(proxies.iter().map(|network| network.parse().unwrap()).collect());
    TestApp::start_with(world, options)
}

fn everywhere(quotas: ActionQuotas) -> Quotas {
    Quotas { register: quotas, activate: quotas, resend_code: quotas, ..Quotas::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_2_4_1_a_client_is_limited_before_anything_is_hashed() {
    let app =
        limited(World::default(), everywhere(ActionQuotas { client: TWO, address: None }), &[]);
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
    let app =
        limited(World::default(), everywhere(ActionQuotas { client: None, address: TWO }), &[]);
    for email in ["ADA@example.com", "ada@example.com"] {
        app.register(email, PASSWORD).await;
    }
    problem(app.register(EMAIL, PASSWORD).await, 429, "rate-limited").await;
    assert_eq!(app.world.hasher.hashes.load(Ordering::Relaxed), 2);
    for email in [EMAIL, "nobody@example.com"] {
        for _ in 0..2 {
            problem(
                app.activate(email, "wrong password", "0000").await,
                401,
                "invalid-credentials",
            )
            .await;
            problem(app.resend(email, "wrong password").await, 401, "invalid-credentials").await;
        }
        problem(app.activate(email, "wrong password", "0000").await, 429, "rate-limited").await;
        problem(app.resend(email, "wrong password").await, 429, "rate-limited").await;
    }
    assert_eq!(app.world.hasher.verifications.load(Ordering::Relaxed), 8);
}

/// So that refusals cost those who are accepted next to nothing, however many they are.
#[tokio::test(flavor = "multi_thread")]
async fn asvs_15_2_2_nothing_is_spent_on_a_request_that_cannot_be_served() {
    let quotas = everywhere(ActionQuotas { client: TWO, address: TWO });
    let app = limited(World::default(), quotas, &[]);
    app.world.hasher.is_overloaded.store(true, Ordering::Relaxed);
    let refused = app.register(EMAIL, PASSWORD).await;
    // A proxy goes on with its connection.
    assert!(!refused.headers().contains_key("connection"));
    problem(refused, 503, "overloaded").await;
    assert_eq!(app.world.limiter.keys(), Vec::<String>::new());
    app.world.hasher.is_overloaded.store(false, Ordering::Relaxed);
    assert_eq!(app.register(EMAIL, PASSWORD).await.status(), 201);
    assert_eq!(app.world.limiter.keys().len(), 2);
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
    let open = limited(World::default(), quotas.clone(), &[]);
    ask(&open, "198.51.100.1").await;
    ask(&open, "198.51.100.2").await;
    assert_eq!(open.world.limiter.keys(), ["register-client:127.0.0.1"]);
    let behind = limited(World::default(), quotas, &["127.0.0.0/8", "10.0.0.0/8"]);
    ask(&behind, "198.51.100.1, 203.0.113.9, 10.0.0.2").await;
    ask(&behind, "198.51.100.2, 2001:db8:1:2:3::9").await;
    let expected = [
        "register-client:2001:db8:1:2::/64",
        "register-client:2001:db8:1::/48",
        "register-client:2001:db8:1::/56",
        "register-client:203.0.113.9",
    ];
    assert_eq!(behind.world.limiter.keys(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_2_4_1_a_client_with_many_addresses_is_one_network() {
    let quotas =
        everywhere(ActionQuotas { client: Some(Quota { burst: 1, ..TWO.unwrap() }), address: TWO });
    let app = limited(World::default(), quotas, &["127.0.0.0/8"]);
    let mut allowed = Vec::new();
    for network in 0..0x800 {
        // Of each /56, six of its /64 are tried; each address that is registered is another one.
        if network & 0xff < 6 {
            let request = app.post("/api/v1/users/register");
            let request = request.header("x-forwarded-for", format!("2001:db8:7:{network:x}::1"));
            let body = serde_json::json!({"email": format!("ada{network}@example.com"), "password": PASSWORD});
            let response = request.json(&body).send().await.unwrap();
            if response.status() == 201 {
                allowed.push(network);
            } else {
                problem(response, 429, "rate-limited").await;
            }
        }
    }
    // Four of each /56, and sixteen of the /48.
    let expected: Vec<_> =
        (0..4).flat_map(|wide| (0..4).map(move |narrow| wide * 0x100 + narrow)).collect();
    assert_eq!(allowed, expected);
    // Nothing more is kept than what was allowed.
    let (clients, addresses): (Vec<_>, Vec<_>) =
        app.world.limiter.keys().into_iter().partition(|key| key.starts_with("register-client"));
    assert_eq!((clients.len(), addresses.len()), (16 + 4 + 1, 16), "{clients:?} {addresses:?}");
}

/// The policies of an answer's `RateLimit` fields, and what is left of each.
fn limits_left(response: &Response) -> Vec<(String, u32)> {
    let read = |name: &str| {
        let value = response.headers().get(name).map_or("", |value| value.to_str().unwrap());
        value.split(", ").filter(|item| !item.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let states = read("ratelimit").into_iter().map(|item| {
        let (policy, parameters) = item.split_once(";r=").unwrap();
        let (remaining, reset) = parameters.split_once(";t=").unwrap();
        assert!(reset.parse::<u64>().unwrap() > 0, "{item}");
        (policy.trim_matches('"').to_owned(), remaining.parse().unwrap())
    });
    let states: Vec<_> = states.collect();
    let policies = states.iter().map(|(policy, _)| {
        let size = if policy.ends_with("-client") { "q=20;w=600" } else { "q=2;w=60" };
        format!("\"{policy}\";{size}")
    });
    assert_eq!(read("ratelimit-policy"), policies.collect::<Vec<_>>());
    states
}

fn left(expected: &[(&str, u32)]) -> Vec<(String, u32)> {
    expected.iter().map(|(policy, remaining)| ((*policy).to_owned(), *remaining)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_passes_says_what_is_left() {
    let app = limited(World::default(), everywhere(BOTH), &[]);
    let response = app.register(EMAIL, PASSWORD).await;
    let both = "\"register-client\";q=20;w=600, \"register-address\";q=2;w=60";
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["ratelimit-policy"], both);
    let both = "\"register-client\";r=19;t=600, \"register-address\";r=1;t=60";
    assert_eq!(response.headers()["ratelimit"], both);
    let issue = app.world.users.get(EMAIL).unwrap().issue();
    app.world.users.mail_accepted(issue);
    app.world.codes.open_window(issue, 5);
    let activated = app.activate(EMAIL, PASSWORD, &code(issue)).await;
    assert_eq!(activated.status(), 200);
    assert_eq!(limits_left(&activated), left(&[("activate-client", 19), ("activate-address", 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_says_what_is_left_of_the_limits_that_were_checked() {
    let app = limited(World::default(), everywhere(BOTH), &[]);
    app.register(EMAIL, PASSWORD).await;
    let taken = app.register(EMAIL, PASSWORD).await;
    assert_eq!(limits_left(&taken), left(&[("register-client", 18), ("register-address", 0)]));
    problem(taken, 409, "email-taken").await;
    // The address is not known before the body is read, nor before there are credentials.
    let invalid = app.register("nobody", PASSWORD).await;
    assert_eq!(limits_left(&invalid), left(&[("register-client", 17)]));
    problem(invalid, 422, "validation-failed").await;
    let anonymous = app.post("/api/v1/users/resend-code").send().await.unwrap();
    assert_eq!(limits_left(&anonymous), left(&[("resend-code-client", 19)]));
    problem(anonymous, 401, "invalid-credentials").await;
    let refused = app.resend("nobody@example.com", PASSWORD).await;
    assert_eq!(
        limits_left(&refused),
        left(&[("resend-code-client", 18), ("resend-code-address", 1)])
    );
    problem(refused, 401, "invalid-credentials").await;
    let exceeded = app.register(EMAIL, PASSWORD).await;
    assert_eq!(limits_left(&exceeded), left(&[("register-client", 16), ("register-address", 0)]));
    problem(exceeded, 429, "rate-limited").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_limited_says_nothing_about_limits() {
    let app = limited(World::default(), everywhere(BOTH), &[]);
    let not_acceptable = app.post("/api/v1/users/register").header("accept", "text/html").send();
    for response in
        [app.get("/health/live").await, app.get("/nothing").await, not_acceptable.await.unwrap()]
    {
        assert_eq!(limits_left(&response), left(&[]), "{}", response.url());
    }
    // Nobody counts.
    app.world.limiter.is_down.store(true, Ordering::Relaxed);
    assert_eq!(limits_left(&app.register(EMAIL, PASSWORD).await), left(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_concealed_accounts_are_not_told_by_what_is_left_for_an_address() {
    let mut options = options();
    options.quotas = Quotas { further_codes: TWO, ..everywhere(BOTH) };
    options.existing_account = ExistingAccount::Conceal;
    let app = TestApp::start_with(World::default(), options);
    for remaining in [19, 18] {
        let response = app.register(EMAIL, PASSWORD).await;
        assert_eq!(limits_left(&response), left(&[("register-client", remaining)]));
        assert_eq!(response.status(), 202);
    }
    // The refusal tells it anyway.
    let exceeded = app.register(EMAIL, PASSWORD).await;
    assert_eq!(limits_left(&exceeded), left(&[("register-client", 17), ("register-address", 0)]));
    problem(exceeded, 429, "rate-limited").await;
    assert_eq!(
        limits_left(&app.resend(EMAIL, PASSWORD).await),
        left(&[("resend-code-client", 19)])
    );
    let wrong = app.activate(EMAIL, PASSWORD, "0000").await;
    assert_eq!(limits_left(&wrong), left(&[("activate-client", 19)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_an_owners_codes_is_told_to_nobody() {
    let quotas = Quotas { further_codes: TWO, ..everywhere(BOTH) };
    let app = limited(World::default(), quotas, &[]);
    app.pending_user().await;
    let resent = app.resend(EMAIL, PASSWORD).await;
    assert_eq!(
        limits_left(&resent),
        left(&[("resend-code-client", 19), ("resend-code-address", 1)])
    );
    assert_eq!(resent.status(), 200);
}
