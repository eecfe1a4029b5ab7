//! Limits of clients, of addresses and of the machine: 429 and 503 with an honest Retry-After.

use futures::future::join_all;

use acceptance::{Account, Journey, Setup, journeys};

fn three_per_hour() -> Setup {
    Setup::own()
        .with("limits.register_per_client", "3/1h")
        .with("limits.activate_per_client", "3/1h")
        .with("limits.resend_per_client", "3/1h")
}

fn one_hash_at_a_time() -> Setup {
    Setup::own()
        .with("hashing.memory_kib", "65536")
        .with("hashing.iterations", "4")
        .with("hashing.threads", "1")
        .with("hashing.queue", "1")
}

journeys!(both {
    asvs_6_1_1_a_client_that_asks_too_often_is_told_when_to_return: three_per_hour(), [
        "POST /api/v1/users/register 429",
        "POST /api/v1/users/activate 429",
        "POST /api/v1/users/resend-code 429",
    ];
    codes_are_mailed_again_only_so_often: Setup::own().with("limits.further_codes", "2/1h"), [
        "POST /api/v1/users/resend-code 429"
    ];
    asvs_15_2_2_more_passwords_than_can_be_hashed_are_asked_to_wait: one_hash_at_a_time(), [
        "POST /api/v1/users/register 503",
        "POST /api/v1/users/activate 503",
        "POST /api/v1/users/resend-code 503",
    ];
    asvs_15_2_2_a_client_that_does_not_finish_is_not_waited_for: Setup::own().with("http.body_timeout", "500ms"), [
        "POST /api/v1/users/register 408", "POST /api/v1/users/activate 408"
    ];
    asvs_6_3_8_concealed_accounts_do_not_show: Setup::own().with("registration.existing_account", "conceal"), [
        "POST /api/v1/users/register 202"
    ];
});

async fn asvs_6_1_1_a_client_that_asks_too_often_is_told_when_to_return(journey: &Journey) {
    let unknown = Account::new();
    for _ in 0..3 {
        journey.api.register(&Account::new()).await.expect_status(201);
        journey.api.activate(&unknown, "0000").await.expect_status(401);
        journey.api.resend(&unknown).await.expect_status(401);
    }
    let refusals = [
        journey.api.register(&Account::new()).await,
        journey.api.activate(&unknown, "0000").await,
        journey.api.resend(&unknown).await,
    ];
    for refusal in refusals {
        refusal.expect_problem(429, "rate-limited");
        let seconds = refusal.retry_after();
        assert!(
            (1100..=1200).contains(&seconds),
            "a third of an hour, not {seconds} s: {refusal:?}"
        );
    }
}

async fn codes_are_mailed_again_only_so_often(journey: &Journey) {
    let (account, _) = journey.registered().await;
    // Requests with a wrong password do not count.
    for _ in 0..5 {
        journey.api.resend(&account.with_wrong_password()).await.expect_status(401);
    }
    // Each mail is awaited, or the next one would replace it.
    journey.api.resend(&account).await.expect_status(200);
    journey.mailbox.expect(&account.email, 2).await;
    journey.api.resend(&account).await.expect_status(200);
    let mails = journey.mailbox.expect(&account.email, 3).await;
    let refusal = journey.api.resend(&account).await;
    refusal.expect_problem(429, "rate-limited");
    journey.api.activate(&account, &mails[2].code()).await.expect_status(200);
}

async fn asvs_15_2_2_more_passwords_than_can_be_hashed_are_asked_to_wait(journey: &Journey) {
    let (account, _) = journey.registered().await;
    let wrong = account.with_wrong_password();
    let newcomers: Vec<Account> = (0..30).map(|_| Account::new()).collect();
    let (registrations, activations, resends) = tokio::join!(
        join_all(newcomers.iter().map(|newcomer| journey.api.register(newcomer))),
        join_all((0..30).map(|_| journey.api.activate(&wrong, "0000"))),
        join_all((0..30).map(|_| journey.api.resend(&wrong))),
    );
    for (replies, otherwise) in [(registrations, 201), (activations, 401), (resends, 401)] {
        assert!(replies.iter().any(|reply| reply.status == 503));
        for reply in replies.iter().filter(|reply| reply.status != otherwise) {
            reply.expect_problem(503, "overloaded");
        }
    }
}

async fn asvs_6_3_8_concealed_accounts_do_not_show(journey: &Journey) {
    let account = Account::new();
    let first = journey.api.register(&account).await;
    first.expect_status(202);
    let mail = journey.mailbox.first(&account.email).await;
    let pending = journey.api.register(&account.with_wrong_password()).await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    let active = journey.api.register(&account.with_wrong_password()).await;
    for again in [pending, active] {
        again.expect_status(202);
        assert_eq!(again.body, first.body);
    }
    // The owner is told, by a mail without a code, and nothing has changed for the account.
    let mails = journey.mailbox.expect(&account.email, 2).await;
    assert!(
        mails[1].text.split(|c: char| !c.is_ascii_digit()).all(|number| number.len() != 4),
        "{mails:?}"
    );
    journey.api.activate(&account, "0000").await.expect_problem(409, "already-active");
}

async fn asvs_15_2_2_a_client_that_does_not_finish_is_not_waited_for(journey: &Journey) {
    for path in ["/api/v1/users/register", "/api/v1/users/activate"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        );
        let authorization = format!("Authorization: {}\r\n", Account::new().basic());
        let half = format!("{head}{authorization}Content-Length: 100\r\n\r\n{{\"email\":");
        let answer = journey.api.send_bytes(&half).await;
        assert!(
            answer.starts_with("HTTP/1.1 408") && answer.contains("\"request-timeout\""),
            "{answer}"
        );
    }
}
