//! What must look the same from outside, down to the time it takes (OWASP ASVS 6.3.8).
//!
//! Times are compared with the Mann-Whitney U test over interleaved samples. Equal distributions
//! give a p below [`ALPHA`] once in a thousand comparisons, and a busy machine does no worse to one
//! kind of request than to another; so one repetition is allowed, and twice in a row is a finding.
//! That the test would find a difference is shown each time by a control: a refusal that costs no
//! hash. Where noise hides even that, more samples are taken.

use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;

use acceptance::statistics::{interleaved, mann_whitney, median};
use acceptance::{Account, Journey, Reply, Setup, journeys};
use test_support::unique_name;

const ALPHA: f64 = 0.001;

/// How many portions of samples are taken at most until they show the control.
const MAX_PORTIONS: usize = 4;

/// More costly than in a deployment, one at a time: a missing one stands out from the noise.
fn costly_hashes() -> Setup {
    Setup::own().with("hashing.memory_kib", "19456").with("hashing.iterations", "5")
}

fn concealing() -> Setup {
    costly_hashes().with("registration.existing_account", "conceal")
}

journeys!(both {
    asvs_6_3_8_an_unknown_address_and_a_wrong_password_are_the_same_to_activation: costly_hashes(), [];
    asvs_6_3_8_an_unknown_address_and_a_wrong_password_are_the_same_to_resending: costly_hashes(), [];
    asvs_6_3_8_verifying_a_password_takes_the_same_time_for_every_address: costly_hashes(), [];
    asvs_6_3_8_concealed_registrations_are_the_same: concealing(), ["POST /api/v1/users/register 202"];
    asvs_6_3_8_concealed_activations_take_the_same_time: concealing(), [];
    asvs_6_3_8_concealed_resends_take_the_same_time: concealing(), [];
    asvs_6_3_8_the_owner_of_a_concealed_account_is_told_once: concealing(), [];
});

/// What of an answer anybody could compare: all but the date and the request's own id, and the
/// address that the client has sent itself.
pub(crate) fn comparable(reply: &Reply, address: &str) -> (u16, HeaderMap, String) {
    let mut headers = reply.headers.clone();
    for own in ["date", "x-request-id"] {
        headers.remove(own);
    }
    (reply.status, headers, reply.body.replace(address, "<address>"))
}

/// Fails if the first `N - 1` kinds of request can be told apart by their time, or the last one,
/// the control, cannot be told from them.
async fn assert_same_time<const N: usize>(rounds: usize, ask: impl AsyncFn(usize)) {
    let measure = async |kind| {
        let began = Instant::now();
        ask(kind).await;
        began.elapsed()
    };
    let mut findings = Vec::new();
    for _ in 0..2 {
        let samples = telling_samples::<N>(rounds, &measure).await;
        let (_, kinds) = samples.split_last().unwrap();
        let base = median(&kinds[0]);
        let ratios: Vec<f64> = samples.iter().map(|sample| median(sample) / base).collect();
        let pairs =
            (0..N - 1).flat_map(|first| (first + 1..N - 1).map(move |second| (first, second)));
        let p = pairs.map(|(first, second)| mann_whitney(&kinds[first], &kinds[second]));
        let p = p.fold(1.0, f64::min);
        println!("medians, as ratios: {ratios:.3?}; p = {p:.4} of {} samples each", kinds[0].len());
        if p > ALPHA {
            return;
        }
        findings.push((p, ratios));
    }
    panic!("the time gives it away, twice (p and medians): {findings:?}");
}

/// As many samples as it takes to tell the last kind, the control, from every other.
async fn telling_samples<const N: usize>(
    rounds: usize,
    measure: impl AsyncFn(usize) -> Duration,
) -> [Vec<f64>; N] {
    let mut samples: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    let mut undetected = Vec::new();
    for _ in 0..MAX_PORTIONS {
        let portion = interleaved::<N>(rounds, &measure).await;
        samples.iter_mut().zip(portion).for_each(|(all, more)| all.extend(more));
        let (control, kinds) = samples.split_last().unwrap();
        let p = kinds.iter().map(|kind| mann_whitney(kind, control)).fold(0.0, f64::max);
        if p < ALPHA {
            return samples;
        }
        undetected.push(p);
    }
    panic!("this test would see no difference: p of the control {undetected:?}");
}

async fn asvs_6_3_8_an_unknown_address_and_a_wrong_password_are_the_same_to_activation(
    journey: &Journey,
) {
    let accounts = accounts(journey).await;
    let [unknown, wrong, _] = &accounts;
    let answers =
        [journey.api.activate(unknown, "0000").await, journey.api.activate(wrong, "0000").await];
    answers[0].expect_problem(401, "invalid-credentials");
    assert_eq!(comparable(&answers[0], &unknown.email), comparable(&answers[1], &wrong.email));
    assert_same_time::<3>(60, async |kind| {
        journey.api.activate(&accounts[kind], "0000").await.expect_status(401);
    })
    .await;
}

async fn asvs_6_3_8_an_unknown_address_and_a_wrong_password_are_the_same_to_resending(
    journey: &Journey,
) {
    let accounts = accounts(journey).await;
    let [unknown, wrong, _] = &accounts;
    let answers = [journey.api.resend(unknown).await, journey.api.resend(wrong).await];
    answers[0].expect_problem(401, "invalid-credentials");
    assert_eq!(comparable(&answers[0], &unknown.email), comparable(&answers[1], &wrong.email));
    assert_same_time::<3>(60, async |kind| {
        journey.api.resend(&accounts[kind]).await.expect_status(401);
    })
    .await;
}

/// What the product answers, its own users learn. That an account waits for its code is told with
/// the right password only; it costs a hash, too, and no second one.
async fn asvs_6_3_8_verifying_a_password_takes_the_same_time_for_every_address(journey: &Journey) {
    let product = journey.system.product();
    let wrong = journey.activated().await.with_wrong_password();
    let nobody = Account { email: unique_name(), ..Account::new() };
    let accounts = [Account::new(), wrong, nobody];
    let answers = [product.verify(&accounts[0]).await, product.verify(&accounts[1]).await];
    answers[0].expect_status(401);
    let [unknown, wrong, _] = &accounts;
    assert_eq!(comparable(&answers[0], &unknown.email), comparable(&answers[1], &wrong.email));
    assert_same_time::<3>(60, async |kind| {
        let status = if kind == 2 { 422 } else { 401 };
        product.verify(&accounts[kind]).await.expect_status(status);
    })
    .await;
    let (inactive, _) = journey.registered().await;
    let measure = async |kind| {
        let began = Instant::now();
        let (account, status) = if kind == 0 { (unknown, 401) } else { (&inactive, 403) };
        product.verify(account).await.expect_status(status);
        began.elapsed()
    };
    let samples = interleaved::<2>(30, measure).await;
    let ratio = median(&samples[1]) / median(&samples[0]);
    assert!((0.6..1.6).contains(&ratio), "an inactive account takes {ratio:.2} times as long");
}

/// Nobody's address, somebody's with a wrong password, and, as the control, something that is no
/// address, which is refused without a hash: as an unknown one would be, were no dummy hash
/// computed for it.
async fn accounts(journey: &Journey) -> [Account; 3] {
    let (known, _) = journey.registered().await;
    let nobody = Account { email: unique_name(), ..Account::new() };
    [Account::new(), known.with_wrong_password(), nobody]
}

async fn asvs_6_3_8_concealed_registrations_are_the_same(journey: &Journey) {
    let pending = Account::new();
    journey.api.register(&pending).await.expect_status(202);
    let active = active_account(journey).await;
    let fresh = Account::new();
    let first = journey.api.register(&fresh).await;
    assert!(first.body.contains(&fresh.email), "the address is echoed: {first:?}");
    for taken in [&pending, &active] {
        let reply = journey.api.register(&taken.with_wrong_password()).await;
        assert_eq!(comparable(&reply, &taken.email), comparable(&first, &fresh.email));
    }
    assert_same_time::<4>(40, async |kind| {
        let account = match kind {
            0 => Account::new(),
            1 => pending.with_wrong_password(),
            2 => active.with_wrong_password(),
            _ => Account { email: unique_name(), ..Account::new() },
        };
        journey.api.register(&account).await.expect_status(if kind == 3 { 422 } else { 202 });
    })
    .await;
}

/// Credentials of one's own at a free address, a pending and an active one, and as the control at
/// something that is no address, which is refused without a hash.
async fn claims(journey: &Journey) -> [Account; 4] {
    let free = Account::new();
    let pending = Account::new();
    for account in [&free, &pending] {
        journey.api.register(account).await.expect_status(202);
        journey.mailbox.first(&account.email).await;
    }
    let active = active_account(journey).await;
    let nobody = Account { email: unique_name(), ..Account::new() };
    [free, pending.with_wrong_password(), active.with_wrong_password(), nobody]
}

async fn asvs_6_3_8_concealed_activations_take_the_same_time(journey: &Journey) {
    let accounts = claims(journey).await;
    let code = journey.mailbox.first(&accounts[0].email).await.code();
    let wrong = if code == "0000" { "0001" } else { "0000" };
    assert_same_time::<4>(40, async |kind| {
        journey.api.activate(&accounts[kind], wrong).await.expect_status(401);
    })
    .await;
}

async fn asvs_6_3_8_concealed_resends_take_the_same_time(journey: &Journey) {
    let accounts = claims(journey).await;
    assert_same_time::<4>(40, async |kind| {
        let status = if kind == 3 { 401 } else { 202 };
        journey.api.resend(&accounts[kind]).await.expect_status(status);
    })
    .await;
}

async fn asvs_6_3_8_the_owner_of_a_concealed_account_is_told_once(journey: &Journey) {
    let account = active_account(journey).await;
    journey.api.register(&account.with_wrong_password()).await.expect_status(202);
    let notice = journey.mailbox.expect(&account.email, 2).await.swap_remove(1);
    assert!(notice.subject.contains("already have an account"), "{notice:?}");
    let numbers = notice.text.split(|c: char| !c.is_ascii_digit());
    assert!(numbers.into_iter().all(|number| number.len() != 4), "no code in {notice:?}");
    for _ in 0..3 {
        journey.api.register(&account.with_wrong_password()).await.expect_status(202);
    }
    // A stranger that registers now gets the code; by then nothing else is on its way.
    active_account(journey).await;
    assert_eq!(journey.mailbox.mails(&account.email).await.len(), 2);
    journey.api.activate(&account, "0000").await.expect_problem(409, "already-active");
}

/// Registers and activates an account where registration answers 202.
async fn active_account(journey: &Journey) -> Account {
    let account = Account::new();
    journey.api.register(&account).await.expect_status(202);
    let mail = journey.mailbox.first(&account.email).await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    account
}
