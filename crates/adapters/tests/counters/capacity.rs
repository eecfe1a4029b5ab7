//! What the stores in memory do when there is more than they hold, and how long they remember.

use std::time::Duration;

use adapters::in_process::{InProcessCodeStore, InProcessGuessBudget, InProcessRateLimiter};
use domain::ports::{
    Attempt, CodeStore, Guess, GuessAllowance, GuessBudget, LimitKey, LimitOutcome, Opening, Quota,
    RateLimiter,
};
use domain::{CodeIssue, EmailAddress};
use tokio::time::advance;

use crate::user_id;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

fn issue() -> CodeIssue {
    CodeIssue { user_id: user_id(), number: 1 }
}

#[tokio::test(start_paused = true)]
async fn a_live_window_is_never_driven_out() {
    let store = InProcessCodeStore::with_capacity(2);
    let (first, second, third) = (issue(), issue(), issue());
    store.open(first, MINUTE, 5).await.unwrap();
    advance(MINUTE / 2).await;
    store.open(second, MINUTE, 5).await.unwrap();
    store.open(third, MINUTE, 5).await.unwrap_err();
    assert_eq!(store.spend_attempt(first).await.unwrap(), Attempt::Spent { left: 4 });

    advance(MINUTE / 2).await;
    assert_eq!(store.open(third, MINUTE, 5).await.unwrap(), Opening::Opened);
    assert_eq!(store.spend_attempt(first).await.unwrap(), Attempt::Unknown);
    assert_eq!(store.spend_attempt(second).await.unwrap(), Attempt::Spent { left: 4 });
}

#[tokio::test(start_paused = true)]
async fn a_window_is_remembered_for_a_day_after_it_was_last_opened() {
    let store = InProcessCodeStore::new();
    let code = issue();
    store.open(code, MINUTE, 2).await.unwrap();
    advance(HOUR).await;
    store.open(code, MINUTE, 2).await.unwrap();
    store.spend_attempt(code).await.unwrap();
    advance(23 * HOUR).await;
    assert_eq!(store.spend_attempt(code).await.unwrap(), Attempt::Expired);
    advance(HOUR).await;
    assert_eq!(store.spend_attempt(code).await.unwrap(), Attempt::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_guess_that_counts_is_never_driven_out() {
    let budget = InProcessGuessBudget::with_capacity(1);
    let [ada, bob] = ["ada@example.com", "bob@example.com"].map(|text| EmailAddress::parse(text).unwrap());
    let once = GuessAllowance { guesses: 1, period: 24 * HOUR };
    budget.spend_guess(&ada, once).await.unwrap();
    budget.spend_guess(&bob, once).await.unwrap_err();
    assert!(matches!(budget.spend_guess(&ada, once).await.unwrap(), Guess::Refused { .. }));
    advance(24 * HOUR).await;
    assert_eq!(budget.spend_guess(&bob, once).await.unwrap(), Guess::Allowed);
}

#[tokio::test(start_paused = true)]
async fn made_up_keys_do_not_drive_out_a_busy_one() {
    let limiter = InProcessRateLimiter::with_capacity(10);
    let quota = Quota { burst: 5, period: MINUTE };
    let busy = LimitKey::new("activate", "busy");
    for _ in 0..5 {
        limiter.check(&busy, quota).await.unwrap();
    }
    for made_up in 0..1000 {
        let key = LimitKey::new("activate", &made_up.to_string());
        assert!(matches!(limiter.check(&key, quota).await.unwrap(), LimitOutcome::Allowed { .. }));
    }
    assert!(matches!(limiter.check(&busy, quota).await.unwrap(), LimitOutcome::Refused { .. }));
}
