//! The minute: how long a code counts, and how long an unverified claim holds its address.

use std::time::Duration;

use crate::harness::{Account, Journey, Setup, eventually, journeys};

/// Long enough to use a code on a busy machine, short enough to wait for its end.
const SHORT: u64 = 4;

fn short_window() -> Setup {
    Setup::own().window_seconds(SHORT).shared_as("short window")
}

journeys!(both {
    asvs_6_5_5_a_code_expires: short_window(), ["POST /api/v1/users/activate 410"];
    an_unverified_address_can_be_claimed_again: short_window(), ["POST /api/v1/users/activate 401"];
    asvs_6_5_5_a_code_counts_for_a_minute: Setup::with_costly_hashes(), ["POST /api/v1/users/activate 410"];
});

/// Waits until `age` has passed since the inbox got the last mail to an account.
async fn mail_is_old(journey: &Journey, account: &Account, age: Duration) {
    let deliveries = journey.system.smtp.deliveries(&account.email);
    let arrived = deliveries.last().expect("a mail").at;
    tokio::time::sleep_until((arrived + age).into()).await;
}

async fn asvs_6_5_5_a_code_expires(journey: &Journey) {
    let (account, mail) = journey.registered().await;
    mail_is_old(journey, &account, Duration::from_secs(SHORT + 1)).await;
    journey.api.activate(&account, &mail.code()).await.expect_problem(410, "code-expired");
    journey.api.resend(&account).await.expect_status(200);
    let mails = journey.mailbox.expect(&account.email, 2).await;
    journey.api.activate(&account, &mails[1].code()).await.expect_status(200);
}

async fn an_unverified_address_can_be_claimed_again(journey: &Journey) {
    let (first, first_mail) = journey.registered().await;
    journey.api.register(&first).await.expect_problem(409, "email-taken");
    let second = first.with_password(format!("{} again", first.password));
    eventually("the address being free again", async || {
        let reply = journey.api.register(&second).await;
        assert!([201, 409].contains(&reply.status), "{reply:?}");
        (reply.status == 201).then_some(())
    })
    .await;
    let mails = journey.mailbox.expect(&first.email, 2).await;
    let (old, new) = (first_mail.code(), mails[1].code());
    journey.api.activate(&first, &new).await.expect_problem(401, "invalid-credentials");
    journey.api.activate(&first, &old).await.expect_problem(401, "invalid-credentials");
    // One code in ten thousand is the same as the one before.
    if old != new {
        journey.api.activate(&second, &old).await.expect_problem(400, "code-invalid");
    }
    journey.api.activate(&second, &new).await.expect_status(200);
    journey.api.activate(&first, &new).await.expect_problem(401, "invalid-credentials");
}

async fn asvs_6_5_5_a_code_counts_for_a_minute(journey: &Journey) {
    let (late, late_mail) = journey.registered().await;
    let (in_time, mail_in_time) = journey.registered().await;
    mail_is_old(journey, &in_time, Duration::from_secs(56)).await;
    journey.api.activate(&in_time, &mail_in_time.code()).await.expect_status(200);
    mail_is_old(journey, &late, Duration::from_secs(61)).await;
    journey.api.activate(&late, &late_mail.code()).await.expect_problem(410, "code-expired");
}
