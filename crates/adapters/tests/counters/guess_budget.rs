//! The contract of `GuessBudget`.

use std::sync::Arc;
use std::time::Duration;

use adapters::in_process::InProcessGuessBudget;
use adapters::redis::RedisGuessBudget;
use domain::EmailAddress;
use domain::ports::{Guess, GuessAllowance, GuessBudget};
use futures::future::join_all;
use tokio::time::{Instant, sleep};

use crate::{prefix, redis_connection};

type Budget = Arc<dyn GuessBudget>;

const DAY: Duration = Duration::from_hours(24);
const TWENTY_A_DAY: GuessAllowance = GuessAllowance { guesses: 20, period: DAY };
const SHORT_ALLOWANCE: GuessAllowance = GuessAllowance { guesses: 5, period: Duration::from_millis(300) };

contract! {
    cases: [
        the_budget_is_spent_and_then_refused,
        case_does_not_make_another_address,
        addresses_do_not_share_a_budget,
        a_refused_guess_is_not_counted,
        asvs_6_1_1_guesses_come_back_one_by_one_as_they_age,
        a_smaller_allowance_counts_the_guesses_there_were,
    ],
    parallel_cases: [],
    in_process: std::sync::Arc::new(super::InProcessGuessBudget::new()),
    redis: std::sync::Arc::new(super::RedisGuessBudget::new(super::redis_connection(), &super::prefix())),
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn wait_of(guess: Guess) -> Duration {
    match guess {
        Guess::Refused { retry_after } => retry_after,
        Guess::Allowed => panic!("the guess should have been refused"),
    }
}

async fn the_budget_is_spent_and_then_refused(budget: Budget) {
    let ada = address("ada@example.com");
    let start = Instant::now();
    for _ in 0..20 {
        assert_eq!(budget.spend_guess(&ada, TWENTY_A_DAY).await.unwrap(), Guess::Allowed);
    }
    let wait = wait_of(budget.spend_guess(&ada, TWENTY_A_DAY).await.unwrap());
    assert!(wait <= DAY && wait >= DAY.checked_sub(start.elapsed()).unwrap(), "{wait:?}");
}

async fn case_does_not_make_another_address(budget: Budget) {
    let once = GuessAllowance { guesses: 1, period: DAY };
    budget.spend_guess(&address("Ada@Example.COM"), once).await.unwrap();
    wait_of(budget.spend_guess(&address("aDA@example.com"), once).await.unwrap());
}

async fn addresses_do_not_share_a_budget(budget: Budget) {
    let once = GuessAllowance { guesses: 1, period: DAY };
    budget.spend_guess(&address("ada@example.com"), once).await.unwrap();
    assert_eq!(budget.spend_guess(&address("bob@example.com"), once).await.unwrap(), Guess::Allowed);
}

async fn a_refused_guess_is_not_counted(budget: Budget) {
    let ada = address("ada@example.com");
    let once = GuessAllowance { guesses: 1, period: DAY };
    budget.spend_guess(&ada, once).await.unwrap();
    let first = wait_of(budget.spend_guess(&ada, once).await.unwrap());
    for _ in 0..10 {
        assert!(wait_of(budget.spend_guess(&ada, once).await.unwrap()) <= first);
    }
}

/// Guesses as often as it can for several periods, always after the wait that it is told.
async fn asvs_6_1_1_guesses_come_back_one_by_one_as_they_age(budget: Budget) {
    let ada = address("ada@example.com");
    let mut allowed = Vec::new();
    while allowed.len() < 13 {
        let sent = Instant::now();
        match budget.spend_guess(&ada, SHORT_ALLOWANCE).await.unwrap() {
            Guess::Allowed => allowed.push((sent, Instant::now())),
            Guess::Refused { retry_after } => {
                assert!(!retry_after.is_zero() && retry_after <= SHORT_ALLOWANCE.period);
                sleep(retry_after).await;
                let again = Instant::now();
                assert_eq!(budget.spend_guess(&ada, SHORT_ALLOWANCE).await.unwrap(), Guess::Allowed);
                allowed.push((again, Instant::now()));
            }
        }
        sleep(Duration::from_millis(10)).await;
    }
    assert_never_over(&allowed, SHORT_ALLOWANCE);
}

async fn a_smaller_allowance_counts_the_guesses_there_were(budget: Budget) {
    let ada = address("ada@example.com");
    for _ in 0..5 {
        budget.spend_guess(&ada, TWENTY_A_DAY).await.unwrap();
    }
    wait_of(budget.spend_guess(&ada, GuessAllowance { guesses: 3, period: DAY }).await.unwrap());
    for _ in 0..15 {
        assert_eq!(budget.spend_guess(&ada, TWENTY_A_DAY).await.unwrap(), Guess::Allowed);
    }
    wait_of(budget.spend_guess(&ada, TWENTY_A_DAY).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn asvs_6_6_3_fifty_attackers_get_no_more_in_process() {
    let budget: Budget = Arc::new(InProcessGuessBudget::new());
    attack(vec![budget; 50]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn asvs_6_6_3_fifty_attackers_get_no_more_from_redis() {
    let prefix = prefix();
    attack((0..50).map(|_| Arc::new(RedisGuessBudget::new(redis_connection(), &prefix)) as Budget).collect())
        .await;
}

/// Each attacker has a connection of its own and guesses without a pause, for four periods.
async fn attack(budgets: Vec<Budget>) {
    let end = Instant::now() + 4 * SHORT_ALLOWANCE.period;
    let attackers = budgets.into_iter().map(|budget| {
        tokio::spawn(async move {
            let mut allowed = Vec::new();
            while Instant::now() < end {
                let sent = Instant::now();
                if budget.spend_guess(&address("ada@example.com"), SHORT_ALLOWANCE).await.unwrap()
                    == Guess::Allowed
                {
                    allowed.push((sent, Instant::now()));
                }
                tokio::task::yield_now().await;
            }
            allowed
        })
    });
    let mut allowed: Vec<_> = join_all(attackers).await.into_iter().flat_map(Result::unwrap).collect();
    allowed.sort_unstable();
    assert!(allowed.len() > 5, "guesses should come back, but there were only {}", allowed.len());
    assert!(allowed.len() <= 5 * 5, "{} guesses in four periods", allowed.len());
    assert_never_over(&allowed, SHORT_ALLOWANCE);
}

/// The store saw each guess between the two instants. One guess more than are allowed is proof of a
/// fault when even the first instant and the last lie within one period.
fn assert_never_over(allowed: &[(Instant, Instant)], allowance: GuessAllowance) {
    for guesses in allowed.windows(allowance.guesses as usize + 1) {
        let first = guesses.iter().map(|(sent, _)| *sent).min().unwrap();
        let last = guesses.iter().map(|(_, answered)| *answered).max().unwrap();
        assert!(last - first >= allowance.period, "one guess too many within {:?}", last - first);
    }
}
