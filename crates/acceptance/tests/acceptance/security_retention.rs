//! Registrations that nobody has confirmed are not kept (OWASP ASVS 14.2.7).

use std::time::Duration;

use crate::harness::{Account, Journey, Setup, eventually, journeys, postgres};

journeys!(both {
    asvs_14_2_7_unverified_registrations_go_and_accounts_stay: {
        Setup::own()
            .window_seconds(6)
            .with("registration.purge_after_days", "0")
            .with("registration.purge_interval_seconds", "3600")
    }, [];
});

/// A purge takes place at each start, and here whatever is unverified is old enough once its minute is over.
async fn asvs_14_2_7_unverified_registrations_go_and_accounts_stay(journey: &Journey) {
    let active = journey.activated().await;
    let (pending, _) = journey.registered().await;
    // Its minute still runs.
    journey.api.register(&pending).await.expect_problem(409, "email-taken");
    // Nobody knows the address any more; it can be registered as if for the first time.
    eventually("the end of the minute and the purge", async || {
        tokio::time::sleep(Duration::from_secs(3)).await;
        journey.system.api().restart().await;
        is_gone(journey, &pending).await.then_some(())
    })
    .await;
    journey.api.register(&pending).await.expect_status(201);
    journey.mailbox.expect(&pending.email, 2).await;
    journey.api.resend(&active).await.expect_problem(409, "already-active");
}

/// Asks by a guess: a resend would begin another minute.
async fn is_gone(journey: &Journey, account: &Account) -> bool {
    journey.api.activate(account, "0000").await.status == 401
}

/// What needs a look into the database.
pub(crate) mod by_age {
    use super::*;

    journeys!(distributed {
        asvs_14_2_7_only_what_is_older_than_a_week_goes: {
            Setup::own()
                .window_seconds(6)
                .with("registration.purge_interval_seconds", "1")
                .with("registration.purge_batch", "2")
        }, [];
    });

    async fn asvs_14_2_7_only_what_is_older_than_a_week_goes(journey: &Journey) {
        let database = postgres(&journey.system).await;
        let age = async |account: &Account, days: i32| {
            let statement = "UPDATE users SET code_requested_at = code_requested_at - make_interval(days => $2) \
                 WHERE email = $1";
            assert_eq!(database.execute(statement, &[&account.email, &days]).await.unwrap(), 1);
        };
        let (active, (younger, _)) = (journey.activated().await, journey.registered().await);
        age(&active, 400).await;
        age(&younger, 6).await;
        // More than go in one transaction.
        let mut older = Vec::new();
        for _ in 0..5 {
            let (account, _) = journey.registered().await;
            age(&account, 8).await;
            older.push(account);
        }
        for account in &older {
            eventually("the purge", async || is_gone(journey, account).await.then_some(())).await;
        }
        // Another round or two: nothing else goes.
        tokio::time::sleep(Duration::from_secs(2)).await;
        journey.api.resend(&active).await.expect_problem(409, "already-active");
        journey.api.resend(&younger).await.expect_status(200);
    }
}
