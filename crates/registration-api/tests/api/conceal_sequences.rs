//! Sequences of requests in conceal mode: whoever does not own the address must see the same of a
//! free, a pending and an active one (OWASP ASVS 6.3.8).

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::ports::{Allowance, Quota};
use domain::{EmailAddress, PasswordHash, User, UserId, UserStatus};
use registration_api::limits::{ActionQuotas, Quotas};
use registration_api::use_cases::ExistingAccount;
use reqwest::Response;
use reqwest::header::HeaderMap;
use uuid::Uuid;

use crate::support::{EMAIL, PASSWORD, TestApp, World, code, options, problem, wrong_code};

const OWNERS_PASSWORD: &str = "the password of the owner";

/// What an address is before the sequence begins.
#[derive(Debug, Clone, Copy)]
enum Standing {
    Free,
    Pending,
    Active,
}

/// Status, headers but for the date and the request's own id, and body.
type Answer = (u16, HeaderMap, String);

async fn comparable(response: Response) -> Answer {
    let mut headers = response.headers().clone();
    headers.remove("x-request-id");
    headers.remove("date");
    (response.status().as_u16(), headers, response.text().await.unwrap())
}

fn concealing() -> TestApp {
    concealing_with(Vec::new())
}

fn concealing_with(mails_per_mailbox: Vec<Allowance>) -> TestApp {
    let many = Some(Quota { burst: 100, period: Duration::from_hours(1) });
    let quotas = ActionQuotas { client: many, address: many };
    let mut options = options();
    options.existing_account = ExistingAccount::Conceal;
    let one = Some(Quota { burst: 1, period: Duration::from_hours(1) });
    options.quotas = Quotas {
        register: quotas,
        activate: quotas,
        resend_code: quotas,
        further_codes: one,
        mails_per_mailbox,
        ..Quotas::default()
    };
    TestApp::start_with(World::default(), options)
}

/// What the worker does when it has mailed the current code of the address.
fn deliver(app: &TestApp) {
    if let Some(user) = app.world.users.get(EMAIL).filter(|user| !user.is_active()) {
        app.world.users.mail_accepted(user.issue());
        app.world.codes.open_window(user.issue(), 5);
    }
}

/// The owner's own requests are not among those that limits have counted.
fn app_where_the_address_is(standing: Standing, app: TestApp) -> TestApp {
    let status = match standing {
        Standing::Free => return app,
        Standing::Pending => UserStatus::Pending { code_mailed: false },
        Standing::Active => UserStatus::Active,
    };
    let hash = PasswordHash::from_phc(format!("0:{OWNERS_PASSWORD}"));
    let id = UserId::from_uuid(Uuid::from_u128(7));
    app.world.users.put(User::restore(id, EmailAddress::parse(EMAIL).unwrap(), hash, 1, status));
    deliver(&app);
    app
}

/// Registers the address with a password of the attacker's own, goes on with `sequence`, and fails
/// if an answer tells what the address is. Returns the statuses.
async fn assert_nothing_shows(sequence: impl AsyncFn(&TestApp) -> Vec<Response>) -> Vec<u16> {
    assert_nothing_shows_in(concealing, sequence).await
}

async fn assert_nothing_shows_in(
    start: impl Fn() -> TestApp,
    sequence: impl AsyncFn(&TestApp) -> Vec<Response>,
) -> Vec<u16> {
    let mut transcripts = Vec::new();
    for standing in [Standing::Free, Standing::Pending, Standing::Active] {
        let app = app_where_the_address_is(standing, start());
        let mut transcript = vec![comparable(app.register(EMAIL, PASSWORD).await).await];
        deliver(&app);
        for response in sequence(&app).await {
            transcript.push(comparable(response).await);
        }
        transcripts.push((standing, transcript));
    }
    let [(_, free), others @ ..] = &transcripts[..] else { unreachable!() };
    for (standing, transcript) in others {
        assert_eq!(transcript, free, "{standing:?} differs from Free");
    }
    free.iter().map(|(status, ..)| *status).collect()
}

async fn guess(app: &TestApp) -> Response {
    let issue = app.world.users.get(EMAIL).unwrap().issue();
    app.activate(EMAIL, PASSWORD, &wrong_code(issue)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_eight_guesses_in_a_row_tell_nothing() {
    let statuses = assert_nothing_shows(async |app| {
        let mut answers = Vec::new();
        for _ in 0..8 {
            answers.push(guess(app).await);
        }
        answers
    })
    .await;
    assert_eq!(statuses, [202, 401, 401, 401, 401, 401, 401, 401, 401]);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_guesses_before_the_mail_and_after_the_minute_tell_nothing() {
    let statuses = assert_nothing_shows(async |app| {
        let issue = app.world.users.get(EMAIL).unwrap().issue();
        app.world.codes.forget(issue);
        let early = guess(app).await;
        deliver(app);
        let issue = app.world.users.get(EMAIL).unwrap().issue();
        app.world.codes.open_window(issue, 5);
        app.world.codes.expire(issue);
        // Not even the right code of a claim of one's own.
        let late = app.activate(EMAIL, PASSWORD, &code(issue)).await;
        vec![early, late, guess(app).await, app.resend(EMAIL, PASSWORD).await]
    })
    .await;
    assert_eq!(statuses, [202, 401, 401, 401, 202]);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_guesses_across_a_resend_tell_nothing() {
    let statuses = assert_nothing_shows(async |app| {
        let mut answers =
            vec![guess(app).await, app.resend(EMAIL, PASSWORD).await, guess(app).await];
        deliver(app);
        answers.push(guess(app).await);
        answers
    })
    .await;
    assert_eq!(statuses, [202, 401, 202, 401, 401]);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_limits_on_further_codes_tell_nothing() {
    let statuses = assert_nothing_shows(async |app| {
        let mut answers = Vec::new();
        for _ in 0..3 {
            answers.push(app.resend(EMAIL, PASSWORD).await);
            deliver(app);
            answers.push(guess(app).await);
        }
        answers.push(app.register(EMAIL, PASSWORD).await);
        answers
    })
    .await;
    assert_eq!(statuses, [202, 202, 401, 202, 401, 202, 401, 202]);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_the_mails_left_for_a_mailbox_tell_nothing() {
    let two = vec![Allowance { amount: 2, period: Duration::from_hours(1) }];
    let start = || concealing_with(two.clone());
    let statuses = assert_nothing_shows_in(start, async |app| {
        let mut answers = Vec::new();
        for tag in ["ada+1@example.com", "ada+2@example.com"] {
            answers.push(app.register(tag, PASSWORD).await);
            answers.push(app.resend(EMAIL, PASSWORD).await);
            answers.push(guess(app).await);
        }
        answers.push(app.activate("ada+2@example.com", PASSWORD, "0000").await);
        answers.push(app.register(EMAIL, PASSWORD).await);
        app.world.users.is_down.store(true, Ordering::Relaxed);
        answers.push(app.register("ada+3@example.com", PASSWORD).await);
        answers
    })
    .await;
    // The tags and the owner are answered alike, and the echoed address is the client's own.
    assert_eq!(statuses, [202, 202, 202, 401, 202, 202, 401, 401, 202, 503]);
}

/// Only a claim of one's own gets as far as the key.
#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_an_unknown_key_tells_nothing_of_an_address() {
    let statuses = assert_nothing_shows(async |app| {
        let issue = app.world.users.get(EMAIL).unwrap().issue();
        app.world.codes.open_derived(issue, 5, Some("00000000/4".parse().unwrap()));
        vec![guess(app).await]
    })
    .await;
    assert_eq!(statuses, [202, 401]);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_the_guesses_left_for_an_address_tell_nothing() {
    let statuses = assert_nothing_shows(async |app| {
        app.world.guesses.spent.store(20, Ordering::Relaxed);
        vec![guess(app).await]
    })
    .await;
    assert_eq!(statuses, [202, 401]);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_a_code_store_that_fails_tells_nothing() {
    let down = assert_nothing_shows(async |app| {
        app.world.codes.is_down.store(true, Ordering::Relaxed);
        vec![guess(app).await, app.resend(EMAIL, PASSWORD).await]
    })
    .await;
    assert_eq!(down, [202, 503, 202]);
    let read_only = assert_nothing_shows(async |app| {
        app.world.codes.is_read_only.store(true, Ordering::Relaxed);
        vec![guess(app).await]
    })
    .await;
    assert_eq!(read_only, [202, 401]);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_a_user_store_that_fails_tells_nothing() {
    let statuses = assert_nothing_shows(async |app| {
        app.world.users.is_read_only.store(true, Ordering::Relaxed);
        let mut answers = vec![guess(app).await, app.resend(EMAIL, PASSWORD).await];
        app.world.users.is_down.store(true, Ordering::Relaxed);
        answers.push(app.activate(EMAIL, PASSWORD, "0000").await);
        answers.push(app.resend(EMAIL, PASSWORD).await);
        answers
    })
    .await;
    assert_eq!(statuses, [202, 401, 202, 503, 503]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_is_refused_like_any_other() {
    let app = app_where_the_address_is(Standing::Free, concealing());
    let unknown = problem(
        app.activate("nobody@example.com", PASSWORD, "0000").await,
        401,
        "invalid-credentials",
    )
    .await;
    assert_eq!(unknown["detail"], "address, password or code not accepted");
    app.register(EMAIL, PASSWORD).await;
    deliver(&app);
    assert_eq!(problem(guess(&app).await, 401, "invalid-credentials").await, unknown);
    assert_eq!(app.resend("nobody@example.com", PASSWORD).await.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_code_still_activates_and_the_owner_is_told() {
    let app = app_where_the_address_is(Standing::Pending, concealing());
    assert_eq!(app.resend(EMAIL, OWNERS_PASSWORD).await.status(), 202);
    let issue = app.world.users.get(EMAIL).unwrap().issue();
    assert_eq!(issue.number, 2, "another code was requested");
    deliver(&app);
    let activated = app.activate(EMAIL, OWNERS_PASSWORD, &code(issue)).await;
    assert_eq!(activated.status(), 200);
    problem(app.activate(EMAIL, OWNERS_PASSWORD, &code(issue)).await, 409, "already-active").await;
    assert_eq!(app.resend(EMAIL, OWNERS_PASSWORD).await.status(), 202);
    assert_eq!(app.world.users.event_kinds(), ["CodeRequested", "UserActivated"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_usable_credentials_a_client_is_still_challenged() {
    let app = concealing();
    let body = serde_json::json!({"code": "0000"});
    problem(
        app.post("/api/v1/users/activate").json(&body).send().await.unwrap(),
        401,
        "invalid-credentials",
    )
    .await;
    problem(
        app.post("/api/v1/users/resend-code").send().await.unwrap(),
        401,
        "invalid-credentials",
    )
    .await;
    problem(app.activate(EMAIL, PASSWORD, "12").await, 422, "validation-failed").await;
}
