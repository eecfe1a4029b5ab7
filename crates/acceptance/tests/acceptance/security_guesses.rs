//! An attacker who has claimed somebody's address and wants it activated without reading the mails:
//! many connections, new codes, new claims. What counts is how many guesses were compared in a day
//! (OWASP ASVS 6.3.1, 6.6.3).

use futures::future::join_all;

use crate::harness::{Account, Journey, Setup, eventually, journeys};

/// The guesses an address has in a day, in the defaults.
const BUDGET: usize = 20;
/// The guesses a code has.
const PER_CODE: usize = 5;
const CONNECTIONS: usize = 50;

journeys!(both {
    asvs_6_3_1_no_number_of_codes_and_claims_buys_more_guesses: Setup::own().window_seconds(4), [];
});

async fn asvs_6_3_1_no_number_of_codes_and_claims_buys_more_guesses(journey: &Journey) {
    let mut account = Account::new();
    let mut code = String::new();
    let mut compared: Vec<usize> = Vec::new();
    // Until the budget is used up, and on for two more codes and claims.
    while compared.iter().filter(|count| **count == 0).count() < 4 {
        if compared.len().is_multiple_of(2) {
            account = claimed_again(journey, &account).await;
        } else {
            journey.api.resend(&account).await.expect_status(200);
        }
        let mails = journey.mailbox.expect(&account.email, compared.len() + 1).await;
        code = mails[compared.len()].code();
        compared.push(compared_guesses(journey, &account, &code).await);
        assert!(compared.len() < 20, "the budget does not end: {compared:?}");
    }
    println!("guesses compared, of {CONNECTIONS} at each code: {compared:?}");
    assert!(compared.iter().all(|count| *count <= PER_CODE), "{compared:?}");
    assert_eq!(compared.iter().sum::<usize>(), BUDGET, "{compared:?}");
    // Now not even the right code is compared, and not before a day has passed.
    let refused = journey.api.activate(&account, &code).await;
    assert!([429, 410].contains(&refused.status), "{refused:?}");
    // Nobody else is concerned.
    journey.activated().await;
}

/// Claims the address with another password, once the claim before has lapsed.
async fn claimed_again(journey: &Journey, account: &Account) -> Account {
    let account = account.with_password(Account::new().password);
    let claim = async || (journey.api.register(&account).await.status == 201).then_some(());
    eventually("the earlier claim lapsing", claim).await;
    account
}

/// Sends wrong codes over many connections at once, half of them with the address in capitals, and
/// counts those that were compared: only then is it said how often the code can still be tried.
async fn compared_guesses(journey: &Journey, account: &Account, code: &str) -> usize {
    let capitals = Account { email: account.email.to_uppercase(), ..account.clone() };
    let wrong = (0..).map(|number| format!("{number:04}")).filter(|guess| guess != code);
    let guesses: Vec<String> = wrong.take(CONNECTIONS).collect();
    let answers = guesses.iter().enumerate().map(|(number, guess)| {
        journey.api.activate(if number % 2 == 0 { account } else { &capitals }, guess)
    });
    let mut compared = 0;
    for answer in join_all(answers).await {
        match answer.status {
            400 if answer.text("detail").starts_with("The code is wrong. It can") => compared += 1,
            429 => _ = answer.expect_problem(429, "too-many-attempts"),
            // The machine was so slow that the code's time has run out.
            410 => {}
            _ => panic!("{answer:?}"),
        }
    }
    compared
}
