//! What the stores in memory do when there is more than they hold, and how long they remember.

use std::time::Duration;

use adapters::in_process::{InProcessBudget, InProcessCodeStore, InProcessRateLimiter};
use domain::ports::{
    Allowance, Attempt, Budget, BudgetKey, BudgetKind, CodeStore, LimitKey, LimitOutcome,
    MailState, Quota, RateLimiter, Spending,
};
use domain::{CodeIssue, EventId};
use test_support::unique_id;
use tokio::time::advance;

use crate::{open, opened, spent, user_id, window};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

fn issue() -> CodeIssue {
    CodeIssue { user_id: user_id(), number: 1 }
}

#[tokio::test(start_paused = true)]
async fn a_live_window_is_never_driven_out() {
    let store = InProcessCodeStore::with_capacity(2);
    let (first, second, third) = (issue(), issue(), issue());
    open(&store, first, MINUTE, 5).await;
    advance(MINUTE / 2).await;
    open(&store, second, MINUTE, 5).await;
    store.open(third, window(MINUTE, 5), MailState::Unsent).await.unwrap_err();
    assert_eq!(store.spend_attempt(first).await.unwrap(), spent(4));

    advance(MINUTE / 2).await;
    assert_eq!(open(&store, third, MINUTE, 5).await, opened());
    assert_eq!(store.spend_attempt(first).await.unwrap(), Attempt::Unknown);
    assert_eq!(store.spend_attempt(second).await.unwrap(), spent(4));
}

#[tokio::test(start_paused = true)]
async fn a_window_is_remembered_for_a_day_after_it_was_last_opened() {
    let store = InProcessCodeStore::new();
    let code = issue();
    open(&store, code, MINUTE, 2).await;
    advance(HOUR).await;
    open(&store, code, MINUTE, 2).await;
    store.spend_attempt(code).await.unwrap();
    advance(23 * HOUR).await;
    assert_eq!(store.spend_attempt(code).await.unwrap(), Attempt::Expired);
    advance(HOUR).await;
    assert_eq!(store.spend_attempt(code).await.unwrap(), Attempt::Unknown);
}

/// A notice that is forgotten early may be mailed twice, which is better than not at all.
#[tokio::test(start_paused = true)]
async fn notices_are_remembered_for_a_day_and_drive_out_only_the_oldest() {
    let store = InProcessCodeStore::with_capacity(2);
    let notices: Vec<_> = (0..3).map(|_| EventId::from_uuid(unique_id())).collect();
    let remembered = async || {
        let mut remembered = Vec::new();
        for notice in &notices {
            remembered.push(store.is_notice_accepted(*notice).await.unwrap());
        }
        remembered
    };
    for notice in &notices {
        store.mark_notice_accepted(*notice).await.unwrap();
        advance(HOUR).await;
    }
    assert_eq!(remembered().await, [false, true, true]);
    advance(22 * HOUR).await;
    assert_eq!(remembered().await, [false, false, true]);
    advance(HOUR).await;
    assert_eq!(remembered().await, [false, false, false]);
}

fn key(kind: BudgetKind, name: &str) -> BudgetKey {
    BudgetKey { kind, subject: name.to_owned() }
}

#[tokio::test(start_paused = true)]
async fn mails_of_many_mailboxes_drive_out_only_the_oldest_mails() {
    let budget = InProcessBudget::with_capacity(3);
    let once = [Allowance { amount: 1, period: 24 * HOUR }];
    let guesses = key(BudgetKind::Guesses, "ada");
    budget.spend(&guesses, &once).await.unwrap();
    for mailbox in ["ada", "bob", "eve", "joe"] {
        advance(HOUR).await;
        assert_eq!(
            budget.spend(&key(BudgetKind::Mails, mailbox), &once).await.unwrap(),
            Spending::Allowed
        );
    }
    for mailbox in ["bob", "eve", "joe"] {
        let spending = budget.spend(&key(BudgetKind::Mails, mailbox), &once).await.unwrap();
        assert!(matches!(spending, Spending::Refused { .. }), "{mailbox} is forgotten");
    }
    assert!(matches!(budget.spend(&guesses, &once).await.unwrap(), Spending::Refused { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_guess_that_counts_is_never_driven_out() {
    let budget = InProcessBudget::with_capacity(1);
    let [ada, bob] = ["ada", "bob"].map(|name| key(BudgetKind::Guesses, name));
    let once = Allowance { amount: 1, period: 24 * HOUR };
    budget.spend(&ada, &[once]).await.unwrap();
    budget.spend(&bob, &[once]).await.unwrap_err();
    assert!(matches!(budget.spend(&ada, &[once]).await.unwrap(), Spending::Refused { .. }));
    advance(24 * HOUR).await;
    assert_eq!(budget.spend(&bob, &[once]).await.unwrap(), Spending::Allowed);
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
