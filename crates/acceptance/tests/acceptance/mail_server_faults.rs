//! A mail server that is down, slow, silent or unwilling: the mail comes in the end, and once.

use std::time::Duration;

use acceptance::{Account, Journey, Setup, TooLate, Verdict, journeys, within_window};
use test_support::eventually;

/// The window of codes where a test outlasts it.
const SHORT_WINDOW: Duration = Duration::from_secs(4);

fn short_window() -> Setup {
    Setup::own().window_seconds(SHORT_WINDOW.as_secs())
}

fn soon_given_up() -> Setup {
    Setup::own().with("smtp.timeout", "3s").with("smtp.acceptance_timeout", "3s")
}

journeys!(both {
    the_minute_starts_when_the_mail_server_returns: short_window().expecting_errors(), [];
    a_slow_mail_server_takes_nothing_from_the_minute: short_window(), [];
    a_temporary_refusal_is_retried: Setup::own(), [];
    a_server_that_hangs_delays_nobody_else: Setup::own(), [];
    a_server_that_hangs_is_given_up_and_asked_again: soon_given_up(), [];
    a_final_refusal_frees_the_address: Setup::own().expecting_errors(), [];
    a_refusal_that_blames_the_sender_is_retried: Setup::own(), [];
    nothing_is_final_while_everybody_is_refused: Setup::own().expecting_errors(), [];
    a_superseded_code_is_never_mailed: Setup::own().expecting_errors(), [];
    an_activated_account_gets_no_more_mail: Setup::own(), [];
});

async fn the_minute_starts_when_the_mail_server_returns(journey: &Journey) {
    within_window(async || {
        journey.system.smtp.cut().await;
        let account = Account::new();
        journey.api.register(&account).await.expect_status(201);
        tokio::time::sleep(SHORT_WINDOW + Duration::from_secs(1)).await;
        // Its minute has not begun, so the claim still holds the address.
        journey.api.register(&account).await.expect_problem(409, "email-taken");
        journey.system.smtp.restore().await;
        let mail = journey.mailbox.first(&account.email).await;
        let reply = journey.api.activate(&account, &mail.code()).await;
        journey.expect_within(SHORT_WINDOW, &account, &reply, 200)
    })
    .await;
}

async fn a_slow_mail_server_takes_nothing_from_the_minute(journey: &Journey) {
    within_window(async || {
        journey.system.smtp.script(&[Verdict::AcceptAfter { seconds: SHORT_WINDOW.as_secs() + 2 }]);
        let (account, mail) = journey.registered().await;
        // The inbox has the mail a moment before its sender is told and starts the minute.
        eventually("the code being good, or its time being over", async || {
            let reply = journey.api.activate(&account, &mail.code()).await;
            let is_over = journey.age_of_mail(&account) >= SHORT_WINDOW;
            match reply.status {
                200 => Some(Ok(())),
                410 if is_over => Some(Err(TooLate)),
                _ => {
                    reply.expect_problem(410, "code-expired");
                    None
                }
            }
        })
        .await
    })
    .await;
}

async fn a_temporary_refusal_is_retried(journey: &Journey) {
    let later = Verdict::Refuse("451 4.3.0 try again later");
    journey.system.smtp.script(&[later, later]);
    let (account, mail) = journey.registered().await;
    journey.system.smtp.wait_for_attempts(3).await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    journey.everything_settled().await;
    assert_eq!(journey.mailbox.mails(&account.email).await.len(), 1);
}

async fn a_server_that_hangs_delays_nobody_else(journey: &Journey) {
    journey.system.smtp.script(&[Verdict::Hold]);
    let unlucky = Account::new();
    journey.api.register(&unlucky).await.expect_status(201);
    journey.system.smtp.wait_for_attempts(1).await;
    for _ in 0..3 {
        journey.activated().await;
    }
    assert!(journey.mailbox.mails(&unlucky.email).await.is_empty());
    journey.system.smtp.release();
    let mail = journey.mailbox.first(&unlucky.email).await;
    journey.api.activate(&unlucky, &mail.code()).await.expect_status(200);
}

async fn a_server_that_hangs_is_given_up_and_asked_again(journey: &Journey) {
    journey.system.smtp.script(&[Verdict::Hang]);
    let (account, mail) = journey.registered().await;
    journey.system.smtp.wait_for_attempts(2).await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
}

async fn a_final_refusal_frees_the_address(journey: &Journey) {
    journey.system.smtp.script(&[Verdict::Refuse("550 5.1.1 no such user")]);
    let account = Account::new();
    journey.api.register(&account).await.expect_status(201);
    journey.system.smtp.wait_for_attempts(1).await;
    eventually("the address being free again", async || {
        let reply = journey.api.register(&account).await;
        (reply.status == 201).then_some(())
    })
    .await;
    let mail = journey.mailbox.first(&account.email).await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    journey.everything_settled().await;
    assert_eq!(journey.mailbox.mails(&account.email).await.len(), 1);
}

async fn a_refusal_that_blames_the_sender_is_retried(journey: &Journey) {
    let replies = ["550 5.4.5 daily quota exceeded", "550 5.7.26 unauthenticated"];
    journey.system.smtp.script(&replies.map(Verdict::Refuse));
    let (account, mail) = journey.registered().await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    journey.system.smtp.wait_for_attempts(3).await;
}

/// A server that tells each sender that the recipient does not exist: from the twentieth on, it is
/// not believed.
async fn nothing_is_final_while_everybody_is_refused(journey: &Journey) {
    const REFUSALS: usize = 20;
    journey.system.smtp.script(&[Verdict::Refuse("550 5.1.1 no such user"); REFUSALS]);
    let domains = ["one.example", "two.example", "three.example"].iter().cycle();
    let accounts: Vec<_> = domains
        .take(REFUSALS)
        .map(|domain| {
            let mut account = Account::new();
            account.email = account.email.replace("example.com", domain);
            account
        })
        .collect();
    for account in &accounts {
        journey.api.register(account).await.expect_status(201);
    }
    // All have been refused before one of them is tried again and accepted.
    journey.system.smtp.wait_for_attempts(REFUSALS + 1).await;
    journey.everything_settled().await;
    let mut mailed = 0;
    for account in &accounts {
        mailed += journey.mailbox.mails(&account.email).await.len();
    }
    assert_eq!(mailed, 1, "the nineteen before were given up");
    let log = journey.system.worker().logs().lines();
    let count = |event| log.iter().filter(|line| line.contains(event)).count();
    assert_eq!(
        (count("mail.all_refused"), count("mail.accepted_again")),
        (1, 1),
        "one alarm, and its end"
    );
}

async fn a_superseded_code_is_never_mailed(journey: &Journey) {
    // Each code is under way before the next one is asked for, and none arrives: what is sent
    // afterwards is sent by somebody who can know of all three.
    journey.system.smtp.script(&[Verdict::Hang; 3]);
    let account = Account::new();
    journey.api.register(&account).await.expect_status(201);
    for attempts in 1..3 {
        journey.system.smtp.wait_for_attempts(attempts).await;
        journey.api.resend(&account).await.expect_status(200);
    }
    journey.system.smtp.wait_for_attempts(3).await;
    journey.system.smtp.cut().await;
    journey.system.smtp.restore().await;
    let mail = journey.mailbox.first(&account.email).await;
    journey.everything_settled().await;
    assert_eq!(journey.mailbox.mails(&account.email).await.len(), 1);
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
}

async fn an_activated_account_gets_no_more_mail(journey: &Journey) {
    // The mail arrives, but its sender never hears of it and will want to try again.
    journey.system.smtp.script(&[Verdict::AcceptInSilence]);
    let (account, mail) = journey.registered().await;
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    journey.system.worker().restart().await;
    journey.everything_settled().await;
    assert_eq!(journey.mailbox.mails(&account.email).await.len(), 1);
}
