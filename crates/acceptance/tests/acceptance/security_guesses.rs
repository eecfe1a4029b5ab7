//! An attacker who has claimed somebody's address and wants it activated without reading the mails:
//! many connections, new codes, new claims. What counts is how many guesses were compared in a day
//! (OWASP ASVS 6.3.1, 6.6.3).

use futures::future::join_all;

use acceptance::{Account, Journey, Reply, Setup, http_client, journeys};
use serde_json::json;
use test_support::eventually;

/// The guesses an address has in a day, in the defaults.
const GUESSES_PER_DAY: usize = 20;
/// The guesses a code has.
const GUESSES_PER_CODE: usize = 5;
const CONNECTIONS: usize = 50;
/// Far more codes than the budget lasts for, those that expire under the guesses on a slow machine
/// included.
const MAX_ROUNDS: usize = 60;

journeys!(both {
    asvs_6_3_1_no_number_of_codes_and_claims_buys_more_guesses: Setup::own().window_seconds(4), [];
    asvs_6_3_1_one_client_has_sixty_wrong_guesses_over_all_codes: limited_guesses(), [];
});

/// Of the defaults, those about guesses.
fn limited_guesses() -> Setup {
    let setup = Setup::own().with_default_limits().with("http.trusted_proxies", "127.0.0.0/8");
    let off = ["register_per_client", "activate_per_client", "activate_per_address"];
    off.iter().fold(setup, |setup, limit| setup.with(&format!("limits.{limit}"), "off"))
}

async fn activate_from(journey: &Journey, client: &str, account: &Account, code: &str) -> Reply {
    let body = json!({ "code": code }).to_string();
    let request =
        journey.api.post("/api/v1/users/activate", body).header("authorization", account.basic());
    journey.api.send(request.header("x-forwarded-for", client)).await
}

async fn asvs_6_3_1_one_client_has_sixty_wrong_guesses_over_all_codes(journey: &Journey) {
    const CLIENT: &str = "203.0.113.7";
    const WRONG_GUESSES: usize = 60;
    let mut guesses = Vec::new();
    for _ in 0..13 {
        let (account, mail) = journey.registered().await;
        let code = mail.code();
        let wrong = (0..).map(|number| format!("{number:04}")).filter(|guess| *guess != code);
        guesses.extend(wrong.take(GUESSES_PER_CODE).map(|guess| (account.clone(), guess)));
    }
    let answers =
        guesses.iter().map(|(account, guess)| activate_from(journey, CLIENT, account, guess));
    let (compared, refused): (Vec<_>, Vec<_>) =
        join_all(answers).await.into_iter().partition(|answer| answer.status == 400);
    assert_eq!((compared.len(), refused.len()), (WRONG_GUESSES, guesses.len() - WRONG_GUESSES));
    for answer in &refused {
        answer.expect_problem(429, "too-many-attempts");
        assert!(answer.retry_after() <= 3600, "{answer:?}");
    }
    let metrics = http_client().get(format!("{}/metrics", journey.system.addresses.operator));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    assert!(
        metrics.contains(&format!("registration_wrong_guesses_total {WRONG_GUESSES}")),
        "{metrics}"
    );
    // Not even a right code of that client is compared; others have their own guesses.
    let (account, mail) = journey.registered().await;
    activate_from(journey, CLIENT, &account, &mail.code())
        .await
        .expect_problem(429, "too-many-attempts");
    activate_from(journey, "203.0.113.8", &account, &mail.code()).await.expect_status(200);
}

async fn asvs_6_3_1_no_number_of_codes_and_claims_buys_more_guesses(journey: &Journey) {
    let mut account = Account::new();
    let mut code = String::new();
    let mut rounds: Vec<Round> = Vec::new();
    // Until the budget is used up, and on for two more codes and claims.
    while rounds.iter().filter(|round| round.shows_an_empty_budget()).count() < 4 {
        if rounds.len().is_multiple_of(2) {
            account = claimed_again(journey, &account).await;
        } else {
            journey.api.resend(&account).await.expect_status(200);
        }
        let mails = journey.mailbox.expect(&account.email, rounds.len() + 1).await;
        code = mails[rounds.len()].code();
        rounds.push(guess(journey, &account, &code).await);
        assert!(rounds.len() < MAX_ROUNDS, "the budget does not end: {rounds:?}");
    }
    println!("of {CONNECTIONS} guesses at each code: {rounds:?}");
    assert!(rounds.iter().all(|round| round.compared <= GUESSES_PER_CODE), "{rounds:?}");
    assert_eq!(
        rounds.iter().map(|round| round.compared).sum::<usize>(),
        GUESSES_PER_DAY,
        "{rounds:?}"
    );
    // Now not even the right code is compared, and not before a day has passed.
    let refused = journey.api.activate(&account, &code).await;
    assert!([429, 410].contains(&refused.status), "{refused:?}");
    // Nobody else is affected.
    journey.activated().await;
}

/// Claims the address with another password, once the claim before has lapsed.
async fn claimed_again(journey: &Journey, account: &Account) -> Account {
    let account = account.with_password(Account::new().password);
    let claim = async || (journey.api.register(&account).await.status == 201).then_some(());
    eventually("the earlier claim lapsing", claim).await;
    account
}

/// What became of the guesses at one code.
#[derive(Debug, Default)]
struct Round {
    compared: usize,
    refused: usize,
    /// The machine was so slow that the code's time had run out.
    too_late: usize,
}

impl Round {
    /// Not one was compared of as many as a fresh code allows: only the budget can have refused
    /// them.
    fn shows_an_empty_budget(&self) -> bool {
        self.compared == 0 && self.refused >= GUESSES_PER_CODE
    }
}

/// Sends wrong codes over many connections at once, half of them with the address in capitals. Only
/// where one was compared is it said how often the code can still be tried.
async fn guess(journey: &Journey, account: &Account, code: &str) -> Round {
    let capitals = Account { email: account.email.to_uppercase(), ..account.clone() };
    let wrong = (0..).map(|number| format!("{number:04}")).filter(|guess| guess != code);
    let guesses: Vec<String> = wrong.take(CONNECTIONS).collect();
    let answers = guesses.iter().enumerate().map(|(number, guess)| {
        journey.api.activate(if number % 2 == 0 { account } else { &capitals }, guess)
    });
    let mut round = Round::default();
    for answer in join_all(answers).await {
        match answer.status {
            400 if answer.text("detail").starts_with("The code is wrong. It can") => {
                round.compared += 1;
            }
            410 => round.too_late += 1,
            _ => {
                answer.expect_problem(429, "too-many-attempts");
                round.refused += 1;
            }
        }
    }
    round
}
