//! The window: how long a code counts, and how long an unverified claim holds its address.

use std::time::Duration;

use acceptance::{Account, Journey, Setup, TooLate, journeys, within_window};
use test_support::eventually;

/// Long enough to use a code on a machine that does not stall, short enough to wait for its end.
const SHORT_WINDOW: Duration = Duration::from_secs(4);
/// The default window.
const MINUTE: Duration = Duration::from_mins(1);
const MOST_OF_A_MINUTE: Duration = Duration::from_secs(50);
/// The window starts when the system learns that the inbox has the mail: on a stalled machine, this
/// much later.
const MAX_START_LAG: Duration = Duration::from_secs(6);

fn short_window() -> Setup {
    Setup::own().window_seconds(SHORT_WINDOW.as_secs()).shared_as("short window")
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
    within_window(async || {
        let (account, mail) = journey.registered().await;
        mail_is_old(journey, &account, SHORT_WINDOW + MAX_START_LAG).await;
        journey.api.activate(&account, &mail.code()).await.expect_problem(410, "code-expired");
        journey.api.resend(&account).await.expect_status(200);
        let mails = journey.mailbox.expect(&account.email, 2).await;
        let reply = journey.api.activate(&account, &mails[1].code()).await;
        journey.expect_within(SHORT_WINDOW, &account, &reply, 200)
    })
    .await;
}

async fn an_unverified_address_can_be_claimed_again(journey: &Journey) {
    within_window(async || an_address_changes_hands(journey).await).await;
}

async fn an_address_changes_hands(journey: &Journey) -> Result<(), TooLate> {
    let (first, first_mail) = journey.registered().await;
    let taken = journey.api.register(&first).await;
    journey.expect_within(SHORT_WINDOW, &first, &taken, 409)?;
    taken.expect_problem(409, "email-taken");
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
        let reply = journey.api.activate(&second, &old).await;
        journey.expect_within(SHORT_WINDOW, &second, &reply, 400)?;
        reply.expect_problem(400, "code-invalid");
    }
    let reply = journey.api.activate(&second, &new).await;
    journey.expect_within(SHORT_WINDOW, &second, &reply, 200)?;
    journey.api.activate(&first, &new).await.expect_problem(401, "invalid-credentials");
    Ok(())
}

async fn asvs_6_5_5_a_code_counts_for_a_minute(journey: &Journey) {
    within_window(async || {
        let (late, late_mail) = journey.registered().await;
        let (early, early_mail) = journey.registered().await;
        mail_is_old(journey, &early, MOST_OF_A_MINUTE).await;
        let reply = journey.api.activate(&early, &early_mail.code()).await;
        journey.expect_within(MINUTE, &early, &reply, 200)?;
        mail_is_old(journey, &late, MINUTE + MAX_START_LAG).await;
        journey.api.activate(&late, &late_mail.code()).await.expect_problem(410, "code-expired");
        Ok(())
    })
    .await;
}
