//! Limits come before costs: a client that asks too often is refused before a password is hashed,
//! and cannot pose as another one (OWASP ASVS 2.4.1, 4.1.3, 6.3.1).

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};

use acceptance::{Account, Journey, Reply, Setup, TooLate, journeys, within_window};
use test_support::eventually;

const REGISTER: &str = "/api/v1/users/register";

/// Hashes that stand out in any measurement.
fn costly_hashes() -> Setup {
    Setup::own()
        .with("hashing.memory_kib", "65536")
        .with("hashing.iterations", "6")
        .with("limits.register_per_client", "2/1h")
        .with("limits.activate_per_client", "2/1h")
        .with("limits.resend_per_client", "2/1h")
}

fn two_per_address() -> Setup {
    Setup::own()
        .with("limits.register_per_address", "2/1h")
        .with("limits.activate_per_address", "2/1h")
        .with("limits.resend_per_address", "2/1h")
}

/// One more every eight seconds.
fn three_in_24_seconds() -> Setup {
    Setup::own().with("limits.register_per_client", "3/24s")
}

fn two_per_client() -> Setup {
    Setup::own().with("limits.register_per_client", "2/1h")
}

journeys!(both {
    asvs_2_4_1_a_client_over_its_limit_costs_no_hash: costly_hashes(), [];
    asvs_6_3_1_an_address_is_limited_whether_or_not_it_exists: two_per_address(), [];
    asvs_6_1_1_retry_after_is_when_the_next_request_passes: three_in_24_seconds(), [];
    asvs_4_1_3_a_spoofed_forwarding_header_passes_no_limit: two_per_client(), [];
    asvs_15_3_4_trusted_proxies_tell_who_asks: two_per_client().with("http.trusted_proxies", "127.0.0.0/8"), [];
    asvs_6_1_1_every_limit_can_be_turned_off: Setup::own(), [];
    asvs_6_1_1_the_default_limits_let_people_pass_and_stop_scripts: Setup::own().with_default_limits(), [];
});

/// A request that counts but costs nothing, as if forwarded for `forwarded`.
async fn ask_for(journey: &Journey, forwarded: &[&str]) -> u16 {
    let request = journey.api.post(REGISTER, "{}");
    let request =
        forwarded.iter().fold(request, |request, value| request.header("x-forwarded-for", *value));
    journey.api.send(request.header("forwarded", "for=198.51.100.77")).await.status
}

async fn asvs_2_4_1_a_client_over_its_limit_costs_no_hash(journey: &Journey) {
    let stranger = Account::new();
    let ask = async || {
        [
            journey.api.register(&Account::new()).await,
            journey.api.activate(&stranger, "0000").await,
            journey.api.resend(&stranger).await,
        ]
    };
    let api = journey.system.api();
    let started = api.processor_time();
    for reply in [ask().await, ask().await].as_flattened() {
        assert!([201, 401].contains(&reply.status), "{reply:?}");
    }
    let hashed = api.processor_time();
    for _ in 0..20 {
        for refusal in ask().await {
            refusal.expect_problem(429, "rate-limited");
        }
    }
    let refused = api.processor_time();
    let of_a_hash = (hashed.as_secs_f64() - started.as_secs_f64()) / 6.0;
    let of_a_refusal = (refused.as_secs_f64() - hashed.as_secs_f64()) / 60.0;
    let ratio = of_a_refusal / of_a_hash;
    println!("a refusal takes {ratio:.4} of the processor time of a request with a hash");
    assert!(ratio < 0.1, "a refusal takes {ratio} of the work of a request with a hash");
}

async fn asvs_6_3_1_an_address_is_limited_whether_or_not_it_exists(journey: &Journey) {
    let (known, _) = journey.registered().await;
    let unknown = Account::new();
    // The first registration of the known one has counted.
    journey.api.register(&known).await.expect_status(409);
    let over =
        journey.api.register(&Account { email: known.email.to_uppercase(), ..known.clone() }).await;
    over.expect_problem(429, "rate-limited");
    let mut refusals = Vec::new();
    for account in [&known, &unknown] {
        let guess = account.with_wrong_password();
        let shouted = Account { email: guess.email.to_uppercase(), ..guess.clone() };
        journey.api.activate(&guess, "0000").await.expect_status(401);
        journey.api.activate(&shouted, "0000").await.expect_status(401);
        journey.api.resend(&guess).await.expect_status(401);
        journey.api.resend(&shouted).await.expect_status(401);
        refusals
            .push([journey.api.activate(&guess, "0000").await, journey.api.resend(&guess).await]);
    }
    for (of_known, of_unknown) in refusals[0].iter().zip(&refusals[1]) {
        of_known.expect_problem(429, "rate-limited");
        assert_eq!((of_unknown.status, &of_unknown.body), (of_known.status, &of_known.body));
        assert_eq!(of_unknown.header("ratelimit-policy"), of_known.header("ratelimit-policy"));
    }
    // Another address has its own quota, and the limit of one action is not that of another.
    journey.api.register(&unknown).await.expect_status(201);
}

async fn asvs_6_1_1_retry_after_is_when_the_next_request_passes(journey: &Journey) {
    within_window(async || the_wait_is_honest(journey).await).await;
}

async fn the_wait_is_honest(journey: &Journey) -> Result<(), TooLate> {
    let ask = async || journey.api.send(journey.api.post(REGISTER, "{}")).await;
    let refused = async || {
        let asked = Instant::now();
        Some((asked, ask().await)).filter(|(_, reply)| reply.status == 429)
    };
    let (asked, refusal) = eventually("the limit", refused).await;
    refusal.expect_problem(429, "rate-limited");
    assert_eq!(refusal.header("ratelimit-policy"), "\"register-client\";q=3;w=24");
    let remaining = refusal.header("ratelimit");
    let reset =
        remaining.strip_prefix("\"register-client\";r=0;t=").expect("the state of the limit");
    let reset: u64 = reset.parse().expect("seconds");
    let wait = refusal.retry_after();
    assert!((1..=8).contains(&wait) && (wait..=24).contains(&reset), "{refusal:?}");
    // A request that comes too early is refused and does not delay the next turn.
    let waited = Duration::from_secs(wait);
    tokio::time::sleep(waited / 2).await;
    let early = ask().await;
    refused_until(asked + waited, &early)?;
    assert!(early.retry_after() <= wait, "{early:?} after {wait} s were asked for");
    tokio::time::sleep(Duration::from_secs(early.retry_after())).await;
    ask().await.expect_status(422);
    // One more request passes, not two.
    refused_until(asked + waited + Duration::from_secs(8), &ask().await)
}

/// Asserts a refusal, unless the answer came so late that the limit may have let it pass. Waits are
/// rounded up to whole seconds.
#[track_caller]
fn refused_until(end: Instant, reply: &Reply) -> Result<(), TooLate> {
    if reply.status == 422 && Instant::now() + Duration::from_secs(1) >= end {
        return Err(TooLate);
    }
    reply.expect_problem(429, "rate-limited");
    Ok(())
}

async fn asvs_4_1_3_a_spoofed_forwarding_header_passes_no_limit(journey: &Journey) {
    let mut statuses = Vec::new();
    for forwarded in ["198.51.100.1", "198.51.100.2, 127.0.0.1", "2001:db8::1", "127.0.0.1"] {
        statuses.push(ask_for(journey, &[forwarded]).await);
    }
    statuses.push(ask_for(journey, &["198.51.100.3", "198.51.100.4"]).await);
    assert_eq!(statuses, [422, 422, 429, 429, 429]);
}

async fn asvs_15_3_4_trusted_proxies_tell_who_asks(journey: &Journey) {
    // What a client writes itself is to the left of what the proxy has added.
    assert_eq!(ask_for(journey, &["203.0.113.9"]).await, 422);
    assert_eq!(ask_for(journey, &["198.51.100.1, 203.0.113.9"]).await, 422);
    assert_eq!(ask_for(journey, &["198.51.100.2, 203.0.113.9"]).await, 429);
    assert_eq!(ask_for(journey, &["198.51.100.3", "203.0.113.9, 127.0.0.5"]).await, 429);
    assert_eq!(ask_for(journey, &["203.0.113.10"]).await, 422);
    // One customer has a /64 of IPv6 addresses.
    assert_eq!(ask_for(journey, &["2001:db8:1:2::1"]).await, 422);
    assert_eq!(ask_for(journey, &["2001:db8:1:2:ffff::2"]).await, 422);
    assert_eq!(ask_for(journey, &["2001:db8:1:2:abcd:1:2:3"]).await, 429);
    assert_eq!(ask_for(journey, &["2001:db8:1:3::1"]).await, 422);
    // Garbage is not trusted: then the proxy itself counts as the client.
    let rubbish = ["unknown", "203.0.113.9.1", "x"].map(|value| [value]);
    let mut statuses = Vec::new();
    for forwarded in &rubbish {
        statuses.push(ask_for(journey, forwarded).await);
    }
    assert_eq!(statuses, [422, 422, 429]);
}

/// As often as the defaults allow, and some more.
async fn asvs_6_1_1_every_limit_can_be_turned_off(journey: &Journey) {
    let (account, _) = journey.registered().await;
    let guess = account.with_wrong_password();
    all_answered(409, (0..101).map(|_| journey.api.register(&account))).await;
    all_answered(401, (0..301).map(|_| journey.api.activate(&guess, "0000"))).await;
    all_answered(401, (0..61).map(|_| journey.api.resend(&guess))).await;
    for _ in 0..6 {
        journey.api.resend(&account).await.expect_status(200);
    }
}

async fn asvs_6_1_1_the_default_limits_let_people_pass_and_stop_scripts(journey: &Journey) {
    // The burst of the default, and how soon it grows by one.
    const BURST: u64 = 100;
    const ONE_MORE: u64 = 36;
    let began = Instant::now();
    a_person_with_bad_luck(journey).await;
    let registered = async || journey.api.register(&Account::new()).await;
    // The person has registered, too.
    let mut count = 1;
    let refusal = loop {
        let reply = registered().await;
        if reply.status != 201 {
            break reply;
        }
        count += 1;
    };
    refusal.expect_problem(429, "rate-limited");
    assert!((1..=ONE_MORE).contains(&refusal.retry_after()), "{refusal:?}");
    let grown = BURST + began.elapsed().as_secs() / ONE_MORE;
    assert!(
        (BURST..=grown).contains(&count),
        "{count} registrations, where {BURST} to {grown} may pass"
    );
}

/// Mistypes this and that, has two more codes mailed, and gets there.
async fn a_person_with_bad_luck(journey: &Journey) {
    let (account, _) = journey.registered().await;
    for mails in 2..=3 {
        journey.api.activate(&account.with_wrong_password(), "0000").await.expect_status(401);
        journey.api.resend(&account).await.expect_status(200);
        journey.mailbox.expect(&account.email, mails).await;
    }
    let mail = journey.mailbox.mails(&account.email).await.swap_remove(2);
    let wrong = if mail.code() == "0000" { "0001" } else { "0000" };
    journey.api.activate(&account, wrong).await.expect_problem(400, "code-invalid");
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
}

/// Sends requests, a few at a time, and expects one status of them all.
async fn all_answered(status: u16, requests: impl Iterator<Item = impl Future<Output = Reply>>) {
    let mut replies = stream::iter(requests).buffer_unordered(8);
    while let Some(reply) = replies.next().await {
        reply.expect_status(status);
    }
}

/// What only a deployment with Redis can lose.
pub(crate) mod without_redis {
    use super::*;

    journeys!(distributed {
        asvs_16_5_2_without_redis_the_limits_still_hold: two_per_client().expecting_errors(), [];
    });

    async fn asvs_16_5_2_without_redis_the_limits_still_hold(journey: &Journey) {
        let redis = &journey.system.servers().redis;
        redis.cut().await;
        assert_eq!([ask_for(journey, &[]).await, ask_for(journey, &[]).await], [422, 422]);
        assert_eq!(ask_for(journey, &["198.51.100.1"]).await, 429);
        redis.restore().await;
        // The shared count continues where it was: at zero.
        eventually("Redis counting again", async || {
            (ask_for(journey, &[]).await == 422).then_some(())
        })
        .await;
    }
}
