//! Many at once: one wins, the others are told so, and guesses are counted before they are
//! compared.

use std::collections::BTreeMap;

use futures::future::join_all;

use acceptance::{Account, Journey, Reply, Setup, journeys};

journeys!(both {
    asvs_15_4_2_of_50_registrations_of_one_address_one_wins: Setup::ordinary(), [
        "POST /api/v1/users/register 201", "POST /api/v1/users/register 409"
    ];
    asvs_6_6_3_of_200_wrong_guesses_five_are_compared: Setup::ordinary(), [
        "POST /api/v1/users/activate 400", "POST /api/v1/users/activate 429"
    ];
    asvs_6_5_1_of_20_right_activations_one_wins: Setup::ordinary(), ["POST /api/v1/users/activate 200"];
});

/// How many answers there were of each status.
fn count(replies: &[Reply]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for reply in replies {
        *counts.entry(reply.status).or_default() += 1;
    }
    counts
}

async fn asvs_15_4_2_of_50_registrations_of_one_address_one_wins(journey: &Journey) {
    let account = Account::new();
    let contenders: Vec<Account> =
        (0..50).map(|n| account.with_password(format!("{} {n}", account.password))).collect();
    let replies =
        join_all(contenders.iter().map(|contender| journey.api.register(contender))).await;
    assert_eq!(count(&replies), BTreeMap::from([(201, 1), (409, 49)]));
    for loser in replies.iter().filter(|reply| reply.status == 409) {
        loser.expect_problem(409, "email-taken");
    }
    journey.everything_settled().await;
    let mails = journey.mailbox.expect(&account.email, 1).await;
    assert_eq!(mails.len(), 1);
    let winner = replies.iter().position(|reply| reply.status == 201).unwrap();
    journey.api.activate(&contenders[winner], &mails[0].code()).await.expect_status(200);
}

async fn asvs_6_6_3_of_200_wrong_guesses_five_are_compared(journey: &Journey) {
    let (account, mail) = journey.registered().await;
    let right: u32 = mail.code().parse().unwrap();
    let guesses: Vec<String> = (1..=200).map(|n| format!("{:04}", (right + n) % 10_000)).collect();
    let replies = join_all(guesses.iter().map(|guess| journey.api.activate(&account, guess))).await;
    assert_eq!(count(&replies), BTreeMap::from([(400, 5), (429, 195)]));
    journey.api.activate(&account, &mail.code()).await.expect_problem(429, "too-many-attempts");
}

async fn asvs_6_5_1_of_20_right_activations_one_wins(journey: &Journey) {
    let (account, mail) = journey.registered().await;
    let code = mail.code();
    let replies = join_all((0..20).map(|_| journey.api.activate(&account, &code))).await;
    let counts = count(&replies);
    assert_eq!(counts.get(&200), Some(&1), "{counts:?}");
    // The others came too late, or found the attempts spent.
    assert!(counts.keys().all(|status| [200, 409, 429].contains(status)), "{counts:?}");
    journey.api.activate(&account, &code).await.expect_problem(409, "already-active");
}
