//! The contract of `Budget`.

use std::sync::Arc;
use std::time::Duration;

use adapters::in_process::InProcessBudget;
use adapters::redis::RedisBudget;
use domain::EmailAddress;
use domain::ports::{Allowance, Budget, BudgetKey, BudgetKind, Spending};
use futures::future::join_all;
use tokio::time::{Instant, sleep};

use crate::{prefix, redis_connection};

type SharedBudget = Arc<dyn Budget>;

const DAY: Duration = Duration::from_hours(24);
const TWENTY_A_DAY: Allowance = Allowance { amount: 20, period: DAY };
const BRIEF_ALLOWANCE: Allowance = Allowance { amount: 5, period: Duration::from_millis(300) };

contract! {
    cases: [
        the_budget_is_spent_and_then_refused,
        case_does_not_make_another_address,
        addresses_do_not_share_a_budget,
        a_refused_guess_is_not_counted,
        asvs_6_1_1_guesses_come_back_one_by_one_as_they_age,
        a_smaller_allowance_counts_the_guesses_there_were,
        kinds_do_not_share_a_budget,
        each_of_several_allowances_holds,
        what_is_given_back_can_be_spent_again,
        what_is_given_back_is_the_newest,
    ],
    parallel_cases: [
        asvs_15_4_2_parallel_spending_is_exact,
        asvs_2_4_1_of_parallel_uses_of_a_solved_challenge_one_wins,
    ],
    in_process: std::sync::Arc::new(super::InProcessBudget::new()),
    redis: |redis| std::sync::Arc::new(super::RedisBudget::new(redis, &super::prefix())),
}

fn address(text: &str) -> BudgetKey {
    BudgetKey {
        kind: BudgetKind::Guesses,
        subject: EmailAddress::parse(text).unwrap().lookup_key(),
    }
}

fn wait_of(guess: Spending) -> Duration {
    match guess {
        Spending::Refused { retry_after } => retry_after,
        Spending::Allowed => panic!("the guess should have been refused"),
    }
}

async fn the_budget_is_spent_and_then_refused(budget: SharedBudget) {
    let ada = address("ada@example.com");
    let start = Instant::now();
    for _ in 0..20 {
        assert_eq!(budget.spend(&ada, &[TWENTY_A_DAY]).await.unwrap(), Spending::Allowed);
    }
    let wait = wait_of(budget.spend(&ada, &[TWENTY_A_DAY]).await.unwrap());
    assert!(wait <= DAY && wait >= DAY.checked_sub(start.elapsed()).unwrap(), "{wait:?}");
}

async fn case_does_not_make_another_address(budget: SharedBudget) {
    let once = Allowance { amount: 1, period: DAY };
    budget.spend(&address("Ada@Example.COM"), &[once]).await.unwrap();
    wait_of(budget.spend(&address("aDA@example.com"), &[once]).await.unwrap());
}

async fn addresses_do_not_share_a_budget(budget: SharedBudget) {
    let once = Allowance { amount: 1, period: DAY };
    budget.spend(&address("ada@example.com"), &[once]).await.unwrap();
    assert_eq!(
        budget.spend(&address("bob@example.com"), &[once]).await.unwrap(),
        Spending::Allowed
    );
}

async fn a_refused_guess_is_not_counted(budget: SharedBudget) {
    let ada = address("ada@example.com");
    let once = Allowance { amount: 1, period: DAY };
    budget.spend(&ada, &[once]).await.unwrap();
    let first = wait_of(budget.spend(&ada, &[once]).await.unwrap());
    for _ in 0..10 {
        assert!(wait_of(budget.spend(&ada, &[once]).await.unwrap()) <= first);
    }
}

/// Guesses as often as it can for several periods, always after the wait that it is told.
async fn asvs_6_1_1_guesses_come_back_one_by_one_as_they_age(budget: SharedBudget) {
    let ada = address("ada@example.com");
    let mut allowed = Vec::new();
    while allowed.len() < 13 {
        let sent = Instant::now();
        match budget.spend(&ada, &[BRIEF_ALLOWANCE]).await.unwrap() {
            Spending::Allowed => allowed.push((sent, Instant::now())),
            Spending::Refused { retry_after } => {
                assert!(!retry_after.is_zero() && retry_after <= BRIEF_ALLOWANCE.period);
                sleep(retry_after).await;
                let again = Instant::now();
                assert_eq!(
                    budget.spend(&ada, &[BRIEF_ALLOWANCE]).await.unwrap(),
                    Spending::Allowed
                );
                allowed.push((again, Instant::now()));
            }
        }
        sleep(Duration::from_millis(10)).await;
    }
    assert_never_over(&allowed, BRIEF_ALLOWANCE);
}

async fn a_smaller_allowance_counts_the_guesses_there_were(budget: SharedBudget) {
    let ada = address("ada@example.com");
    for _ in 0..5 {
        budget.spend(&ada, &[TWENTY_A_DAY]).await.unwrap();
    }
    wait_of(budget.spend(&ada, &[Allowance { amount: 3, period: DAY }]).await.unwrap());
    for _ in 0..15 {
        assert_eq!(budget.spend(&ada, &[TWENTY_A_DAY]).await.unwrap(), Spending::Allowed);
    }
    wait_of(budget.spend(&ada, &[TWENTY_A_DAY]).await.unwrap());
}

async fn kinds_do_not_share_a_budget(budget: SharedBudget) {
    let once = [Allowance { amount: 1, period: DAY }];
    for kind in BudgetKind::ALL {
        let key = BudgetKey { kind, subject: "ada@example.com".into() };
        assert_eq!(budget.spend(&key, &once).await.unwrap(), Spending::Allowed, "{kind:?}");
        wait_of(budget.spend(&key, &once).await.unwrap());
    }
}

async fn asvs_2_4_1_of_parallel_uses_of_a_solved_challenge_one_wins(budget: SharedBudget) {
    let key = BudgetKey { kind: BudgetKind::SolvedChallenges, subject: "5f3a9c01".into() };
    let once = [Allowance { amount: 1, period: Duration::from_mins(10) }];
    let uses = (0..50).map(|_| {
        let (budget, key) = (budget.clone(), key.clone());
        tokio::spawn(async move { budget.spend(&key, &once).await.unwrap() })
    });
    let uses = futures::future::join_all(uses).await;
    let accepted = uses.into_iter().filter(|used| matches!(used, Ok(Spending::Allowed)));
    assert_eq!(accepted.count(), 1);
}

async fn each_of_several_allowances_holds(budget: SharedBudget) {
    let ada = address("ada@example.com");
    let short = Allowance { amount: 2, period: Duration::from_millis(500) };
    let both = [Allowance { amount: 3, period: DAY }, short];
    let start = Instant::now();
    for _ in 0..2 {
        assert_eq!(budget.spend(&ada, &both).await.unwrap(), Spending::Allowed);
    }
    let wait = wait_of(budget.spend(&ada, &both).await.unwrap());
    assert!(wait <= short.period && wait + start.elapsed() >= short.period, "{wait:?}");
    sleep(wait).await;
    assert_eq!(budget.spend(&ada, &both).await.unwrap(), Spending::Allowed);
    sleep(short.period).await;
    let wait = wait_of(budget.spend(&ada, &both).await.unwrap());
    assert!(wait <= DAY && wait + start.elapsed() >= DAY, "{wait:?}");
}

async fn what_is_given_back_can_be_spent_again(budget: SharedBudget) {
    let ada = address("ada@example.com");
    let twice = [Allowance { amount: 2, period: DAY }];
    budget.give_back(&ada).await.unwrap();
    for _ in 0..10 {
        assert_eq!(budget.spend(&ada, &twice).await.unwrap(), Spending::Allowed);
        assert_eq!(budget.spend(&ada, &twice).await.unwrap(), Spending::Allowed);
        wait_of(budget.spend(&ada, &twice).await.unwrap());
        budget.give_back(&ada).await.unwrap();
        budget.give_back(&ada).await.unwrap();
        budget.give_back(&ada).await.unwrap();
    }
}

async fn what_is_given_back_is_the_newest(budget: SharedBudget) {
    let ada = address("ada@example.com");
    let twice = [Allowance { amount: 2, period: DAY }];
    let start = Instant::now();
    budget.spend(&ada, &twice).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    budget.spend(&ada, &twice).await.unwrap();
    budget.give_back(&ada).await.unwrap();
    budget.spend(&ada, &twice).await.unwrap();
    let wait = wait_of(budget.spend(&ada, &twice).await.unwrap());
    assert!(
        wait + start.elapsed() <= DAY + Duration::from_millis(90),
        "the oldest counts on: {wait:?}"
    );
}

async fn asvs_15_4_2_parallel_spending_is_exact(budget: SharedBudget) {
    let seven = [Allowance { amount: 7, period: DAY }, Allowance { amount: 50, period: 2 * DAY }];
    let spend = (0..100).map(|number| {
        let budget = budget.clone();
        tokio::spawn(async move {
            let ada = address("ada@example.com");
            let spending = budget.spend(&ada, &seven).await.unwrap();
            // Some of what is spent is given back, and may be spent by somebody else.
            let is_kept = number % 3 != 0;
            if spending == Spending::Allowed && !is_kept {
                budget.give_back(&ada).await.unwrap();
            }
            spending == Spending::Allowed && is_kept
        })
    });
    let kept = join_all(spend).await.into_iter().filter(|kept| *kept.as_ref().unwrap()).count();
    assert!(kept <= 7, "{kept} of 7");
    let ada = address("ada@example.com");
    for _ in kept..7 {
        assert_eq!(budget.spend(&ada, &seven).await.unwrap(), Spending::Allowed);
    }
    wait_of(budget.spend(&ada, &seven).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn asvs_6_6_3_fifty_attackers_get_no_more_in_process() {
    let budget: SharedBudget = Arc::new(InProcessBudget::new());
    attack(vec![budget; 50]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn asvs_6_6_3_fifty_attackers_get_no_more_from_redis() {
    let prefix = prefix();
    attack(
        (0..50)
            .map(|_| Arc::new(RedisBudget::new(redis_connection(), &prefix)) as SharedBudget)
            .collect(),
    )
    .await;
}

/// Each attacker has a connection of its own and guesses without a pause, for four periods.
async fn attack(budgets: Vec<SharedBudget>) {
    let end = Instant::now() + 4 * BRIEF_ALLOWANCE.period;
    let attackers = budgets.into_iter().map(|budget| {
        tokio::spawn(async move {
            let mut allowed = Vec::new();
            while Instant::now() < end {
                let sent = Instant::now();
                if budget.spend(&address("ada@example.com"), &[BRIEF_ALLOWANCE]).await.unwrap()
                    == Spending::Allowed
                {
                    allowed.push((sent, Instant::now()));
                }
                tokio::task::yield_now().await;
            }
            allowed
        })
    });
    let mut allowed: Vec<_> =
        join_all(attackers).await.into_iter().flat_map(Result::unwrap).collect();
    allowed.sort_unstable();
    assert!(allowed.len() > 5, "guesses should come back, but there were only {}", allowed.len());
    assert!(allowed.len() <= 5 * 5, "{} guesses in four periods", allowed.len());
    assert_never_over(&allowed, BRIEF_ALLOWANCE);
}

/// The store saw each guess between the two instants. One guess more than are allowed is proof of a
/// fault when even the first instant and the last lie within one period.
fn assert_never_over(allowed: &[(Instant, Instant)], allowance: Allowance) {
    for guesses in allowed.windows(allowance.amount as usize + 1) {
        let first = guesses.iter().map(|(sent, _)| *sent).min().unwrap();
        let last = guesses.iter().map(|(_, answered)| *answered).max().unwrap();
        assert!(last - first >= allowance.period, "one guess too many within {:?}", last - first);
    }
}
