//! Registrations that nobody has confirmed are not kept (OWASP ASVS 14.2.7).

use std::time::Duration;

use acceptance::stores::age_registration;
use acceptance::{Account, Journey, Setup, journeys};
use test_support::eventually;

/// The default period, a week, but purged every second and in batches smaller than what is due.
fn purged_often() -> Setup {
    Setup::own()
        .window_seconds(6)
        .with("registration.purge_interval", "1s")
        .with("registration.purge_batch", "2")
}

journeys!(both {
    asvs_14_2_7_unverified_registrations_go_and_accounts_stay: purged_often(), [];
    asvs_14_2_7_only_what_is_older_than_a_week_goes: purged_often(), [];
    while_mail_is_down_registrations_outlive_the_purge: purged_often().expecting_errors(), [];
});

async fn asvs_14_2_7_unverified_registrations_go_and_accounts_stay(journey: &Journey) {
    let active = journey.activated().await;
    let (pending, _) = journey.registered().await;
    age_registration(&journey.system, &active.email, 400).await;
    age_registration(&journey.system, &pending.email, 8).await;
    wait_until_purged(journey, &pending).await;
    // Nobody knows the address any more; it can be registered as if for the first time.
    journey.api.register(&pending).await.expect_status(201);
    journey.mailbox.expect(&pending.email, 2).await;
    journey.api.resend(&active).await.expect_problem(409, "already-active");
}

async fn asvs_14_2_7_only_what_is_older_than_a_week_goes(journey: &Journey) {
    let (younger, _) = journey.registered().await;
    age_registration(&journey.system, &younger.email, 6).await;
    let mut older = Vec::new();
    for _ in 0..5 {
        let (account, _) = journey.registered().await;
        age_registration(&journey.system, &account.email, 8).await;
        older.push(account);
    }
    for account in &older {
        wait_until_purged(journey, account).await;
    }
    // Another round or two: nothing else goes.
    tokio::time::sleep(Duration::from_secs(2)).await;
    journey.api.resend(&younger).await.expect_status(200);
}

async fn while_mail_is_down_registrations_outlive_the_purge(journey: &Journey) {
    let smtp = &journey.system.smtp;
    smtp.cut().await;
    let (waiting, forgotten) = (Account::new(), Account::new());
    for account in [&waiting, &forgotten] {
        journey.api.register(account).await.expect_status(201);
    }
    age_registration(&journey.system, &waiting.email, 29).await;
    age_registration(&journey.system, &forgotten.email, 31).await;
    wait_until_purged(journey, &forgotten).await;
    let reported = "registration.purged_unmailed";
    journey.system.api().logs().line_with(reported).await;
    smtp.restore().await;
    let mail = journey.mailbox.first(&waiting.email).await;
    journey.api.activate(&waiting, &mail.code()).await.expect_status(200);
}

/// Asks by guessing: a resend would start another window, and a registration a new claim.
async fn wait_until_purged(journey: &Journey, account: &Account) {
    eventually("the purge", async || {
        (journey.api.activate(account, "0000").await.status == 401).then_some(())
    })
    .await;
}
