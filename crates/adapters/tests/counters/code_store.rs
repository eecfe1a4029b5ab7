//! The contract of `CodeStore`.

use std::sync::Arc;
use std::time::Duration;

use adapters::in_process::InProcessCodeStore;
use adapters::redis::RedisCodeStore;
use domain::ports::{
    Attempt, CodeStore, Consumption, MailKey, MailState, NewWindow, Opening, SendingLease,
};
use domain::{CodeIssue, EventId, UserId};
use futures::future::join_all;
use test_support::{eventually_within, unique_id};
use tokio::time::{Instant, sleep};

use crate::{mark_accepted, open, opened, prefix, spent, user_id, window};

type Store = Arc<dyn CodeStore>;

const MINUTE: Duration = Duration::from_mins(1);
const SHORT_WINDOW: Duration = Duration::from_millis(100);
/// How long a window of that length may take to run out.
const EXPIRY_TIMEOUT: Duration = Duration::from_secs(10);

contract! {
    cases: [
        attempts_are_counted_down,
        the_last_attempt_may_be_the_right_one,
        what_was_never_opened_is_unknown,
        an_opened_code_keeps_its_attempts,
        asvs_6_5_5_a_window_ends_by_the_clock,
        opening_again_gives_the_whole_window,
        a_later_code_supersedes_an_earlier_one,
        a_code_keeps_its_derivation_and_a_later_one_has_its_own,
        asvs_6_5_1_a_consumed_code_stays_consumed,
        a_consumed_code_makes_way_for_a_later_one,
        an_accepted_mail_is_remembered_and_its_window_left_alone,
        an_acceptance_starts_the_window_and_keeps_the_attempts,
        an_acceptance_of_a_dead_code_does_nothing,
        an_acceptance_belongs_to_one_code,
        an_accepted_notice_is_remembered,
        a_mail_is_sent_by_one_sender_at_a_time,
        a_lease_ends_by_the_clock_unless_it_is_renewed,
        a_lease_is_given_back_by_its_holder_only,
        a_lease_and_a_window_are_had_at_once,
        a_release_gives_a_consumed_code_back,
        a_release_of_anything_else_does_nothing,
        asvs_6_6_2_registrations_do_not_share_windows,
    ],
    parallel_cases: [
        asvs_6_6_3_parallel_attempts_get_exactly_the_allowed_number,
        asvs_6_5_1_one_of_parallel_consumptions_wins,
        the_latest_of_parallel_openings_stays,
        one_of_parallel_senders_gets_the_lease,
    ],
    in_process: std::sync::Arc::new(super::InProcessCodeStore::new()),
    redis: |redis| std::sync::Arc::new(super::RedisCodeStore::new(redis, &super::prefix())),
}

fn issue(user_id: UserId, number: u32) -> CodeIssue {
    CodeIssue { user_id, number }
}

fn notice() -> EventId {
    EventId::from_uuid(unique_id())
}

async fn attempts_are_counted_down(store: Store) {
    let code = issue(user_id(), 1);
    assert_eq!(open(&*store, code, MINUTE, 3).await, opened());
    for left in [2, 1, 0] {
        assert_eq!(store.spend_attempt(code).await.unwrap(), spent(left));
    }
    assert_eq!(store.spend_attempt(code).await.unwrap(), Attempt::Exhausted);
    assert_eq!(store.spend_attempt(code).await.unwrap(), Attempt::Exhausted);
}

async fn the_last_attempt_may_be_the_right_one(store: Store) {
    let code = issue(user_id(), 1);
    open(&*store, code, MINUTE, 1).await;
    assert_eq!(store.spend_attempt(code).await.unwrap(), spent(0));
    assert_eq!(store.consume(code).await.unwrap(), Consumption::Won);
}

async fn what_was_never_opened_is_unknown(store: Store) {
    let user = user_id();
    assert_eq!(store.spend_attempt(issue(user, 1)).await.unwrap(), Attempt::Unknown);
    assert_eq!(store.consume(issue(user, 1)).await.unwrap(), Consumption::Gone);
    open(&*store, issue(user, 1), MINUTE, 5).await;
    assert_eq!(store.spend_attempt(issue(user, 2)).await.unwrap(), Attempt::Unknown);
    assert_eq!(store.consume(issue(user, 2)).await.unwrap(), Consumption::Gone);
    assert_eq!(store.spend_attempt(issue(user, 1)).await.unwrap(), spent(4));
    store.ping().await.unwrap();
}

async fn an_opened_code_keeps_its_attempts(store: Store) {
    let code = issue(user_id(), 1);
    open(&*store, code, MINUTE, 2).await;
    store.spend_attempt(code).await.unwrap();
    assert_eq!(open(&*store, code, MINUTE, 2).await, opened());
    assert_eq!(store.spend_attempt(code).await.unwrap(), spent(0));
    assert_eq!(open(&*store, code, MINUTE, 2).await, opened());
    assert_eq!(store.spend_attempt(code).await.unwrap(), Attempt::Exhausted);
}

async fn asvs_6_5_5_a_window_ends_by_the_clock(store: Store) {
    let code = issue(user_id(), 1);
    let opened = Instant::now();
    open(&*store, code, SHORT_WINDOW, u32::MAX).await;
    until_expired(&store, code).await;
    assert!(opened.elapsed() >= SHORT_WINDOW);
    assert_eq!(store.consume(code).await.unwrap(), Consumption::Gone);

    let exhausted = issue(user_id(), 1);
    open(&*store, exhausted, SHORT_WINDOW, 0).await;
    until_expired(&store, exhausted).await;
}

async fn opening_again_gives_the_whole_window(store: Store) {
    let code = issue(user_id(), 1);
    open(&*store, code, SHORT_WINDOW, 3).await;
    assert_eq!(open(&*store, code, MINUTE, 3).await, opened());
    sleep(2 * SHORT_WINDOW).await;
    assert_eq!(store.spend_attempt(code).await.unwrap(), spent(2));

    let expired = issue(user_id(), 1);
    open(&*store, expired, MINUTE, 2).await;
    store.spend_attempt(expired).await.unwrap();
    open(&*store, expired, Duration::ZERO, 2).await;
    assert_eq!(store.spend_attempt(expired).await.unwrap(), Attempt::Expired);
    assert_eq!(open(&*store, expired, MINUTE, 2).await, opened());
    assert_eq!(store.spend_attempt(expired).await.unwrap(), spent(0));
}

async fn a_later_code_supersedes_an_earlier_one(store: Store) {
    let user = user_id();
    open(&*store, issue(user, 9), MINUTE, 2).await;
    store.spend_attempt(issue(user, 9)).await.unwrap();
    assert_eq!(open(&*store, issue(user, 10), MINUTE, 2).await, opened());
    assert_eq!(open(&*store, issue(user, 9), MINUTE, 2).await, Opening::Superseded);
    assert_eq!(store.spend_attempt(issue(user, 9)).await.unwrap(), Attempt::Unknown);
    assert_eq!(store.consume(issue(user, 9)).await.unwrap(), Consumption::Gone);
    assert_eq!(store.spend_attempt(issue(user, 10)).await.unwrap(), spent(1));
    assert_eq!(store.consume(issue(user, 10)).await.unwrap(), Consumption::Won);
}

async fn a_code_keeps_its_derivation_and_a_later_one_has_its_own(store: Store) {
    let (user, changed) = (user_id(), "0a1b2c3d/8".parse().unwrap());
    open(&*store, issue(user, 1), MINUTE, 5).await;
    // The worker that mails it again has another key by now.
    let changed_window = NewWindow { derivation: changed, ..window(MINUTE, 5) };
    for mail in [MailState::Unsent, MailState::Accepted] {
        let again = store.open(issue(user, 1), changed_window, mail).await.unwrap();
        assert_eq!(again, opened());
    }
    assert_eq!(store.spend_attempt(issue(user, 1)).await.unwrap(), spent(4));
    let later = store.open(issue(user, 2), changed_window, MailState::Unsent).await.unwrap();
    assert_eq!(later, Opening::Opened { derivation: changed });
    let attempt = Attempt::Spent { left: 4, derivation: Some(changed) };
    assert_eq!(store.spend_attempt(issue(user, 2)).await.unwrap(), attempt);
}

async fn asvs_6_5_1_a_consumed_code_stays_consumed(store: Store) {
    let code = issue(user_id(), 1);
    open(&*store, code, SHORT_WINDOW, 5).await;
    while store.consume(code).await.unwrap() != Consumption::Won {
        // A machine too slow for the short window gets another.
        open(&*store, code, SHORT_WINDOW, 5).await;
    }
    let still_consumed = async || {
        assert_eq!(store.consume(code).await.unwrap(), Consumption::AlreadyConsumed);
        assert_eq!(store.spend_attempt(code).await.unwrap(), Attempt::Consumed);
        assert_eq!(open(&*store, code, MINUTE, 5).await, Opening::Consumed);
    };
    still_consumed().await;
    sleep(2 * SHORT_WINDOW).await;
    still_consumed().await;
}

async fn a_consumed_code_makes_way_for_a_later_one(store: Store) {
    let user = user_id();
    open(&*store, issue(user, 1), MINUTE, 5).await;
    store.consume(issue(user, 1)).await.unwrap();
    assert_eq!(open(&*store, issue(user, 2), MINUTE, 5).await, opened());
    assert_eq!(store.spend_attempt(issue(user, 2)).await.unwrap(), spent(4));
    assert_eq!(store.consume(issue(user, 1)).await.unwrap(), Consumption::Gone);
    assert_eq!(store.consume(issue(user, 2)).await.unwrap(), Consumption::Won);
}

async fn an_accepted_mail_is_remembered_and_its_window_left_alone(store: Store) {
    let code = issue(user_id(), 1);
    open(&*store, code, MINUTE, 5).await;
    assert_eq!(mark_accepted(&*store, code, SHORT_WINDOW, 5).await, opened());
    let marked = Instant::now();
    for _ in 0..2 {
        let Opening::Accepted { left } = open(&*store, code, MINUTE, 5).await else {
            panic!("the acceptance is forgotten")
        };
        assert!(left <= SHORT_WINDOW, "{left:?}");
    }
    until_expired(&store, code).await;
    assert!(marked.elapsed() <= SHORT_WINDOW + EXPIRY_TIMEOUT);
    let over = Opening::Accepted { left: Duration::ZERO };
    assert_eq!(open(&*store, code, MINUTE, 5).await, over);
    assert_eq!(mark_accepted(&*store, code, MINUTE, 5).await, over);
    assert_eq!(store.spend_attempt(code).await.unwrap(), Attempt::Expired);
}

async fn an_acceptance_starts_the_window_and_keeps_the_attempts(store: Store) {
    let code = issue(user_id(), 1);
    open(&*store, code, Duration::ZERO, 3).await;
    open(&*store, code, MINUTE, 3).await;
    store.spend_attempt(code).await.unwrap();
    open(&*store, code, Duration::ZERO, 3).await;
    assert_eq!(mark_accepted(&*store, code, MINUTE, 3).await, opened());
    assert_eq!(store.spend_attempt(code).await.unwrap(), spent(1));

    // The store has lost everything while the mail was under way.
    let forgotten = issue(user_id(), 1);
    assert_eq!(mark_accepted(&*store, forgotten, MINUTE, 3).await, opened());
    assert!(matches!(open(&*store, forgotten, MINUTE, 3).await, Opening::Accepted { .. }));
    assert_eq!(store.spend_attempt(forgotten).await.unwrap(), spent(2));
}

async fn an_acceptance_of_a_dead_code_does_nothing(store: Store) {
    let user = user_id();
    open(&*store, issue(user, 2), MINUTE, 5).await;
    assert_eq!(mark_accepted(&*store, issue(user, 1), MINUTE, 5).await, Opening::Superseded);
    assert_eq!(open(&*store, issue(user, 2), MINUTE, 5).await, opened());
    store.consume(issue(user, 2)).await.unwrap();
    assert_eq!(mark_accepted(&*store, issue(user, 2), MINUTE, 5).await, Opening::Consumed);
    store.release(issue(user, 2)).await.unwrap();
    assert_eq!(open(&*store, issue(user, 2), MINUTE, 5).await, opened());
}

async fn an_acceptance_belongs_to_one_code(store: Store) {
    let user = user_id();
    mark_accepted(&*store, issue(user, 1), MINUTE, 5).await;
    assert_eq!(open(&*store, issue(user, 2), MINUTE, 5).await, opened());
    assert_eq!(open(&*store, issue(user, 2), MINUTE, 5).await, opened());
    mark_accepted(&*store, issue(user, 2), MINUTE, 5).await;
    assert_eq!(store.consume(issue(user, 2)).await.unwrap(), Consumption::Won);
    assert_eq!(open(&*store, issue(user, 2), MINUTE, 5).await, Opening::Consumed);
}

async fn an_accepted_notice_is_remembered(store: Store) {
    let (notice, other) = (notice(), notice());
    assert!(!store.is_notice_accepted(notice).await.unwrap());
    // Being sent is not yet accepted.
    store.lease_sending(MailKey::Notice(notice), unique_id(), MINUTE).await.unwrap();
    assert!(!store.is_notice_accepted(notice).await.unwrap());
    for _ in 0..2 {
        store.mark_notice_accepted(notice).await.unwrap();
        assert!(store.is_notice_accepted(notice).await.unwrap());
    }
    assert!(!store.is_notice_accepted(other).await.unwrap(), "another notice");
}

async fn a_mail_is_sent_by_one_sender_at_a_time(store: Store) {
    let (user, event, one, other) = (user_id(), notice(), unique_id(), unique_id());
    let code = |number| MailKey::Code(issue(user, number));
    let lease = async |mail, sender| store.lease_sending(mail, sender, MINUTE).await.unwrap();
    for mail in [code(1), MailKey::Notice(event)] {
        assert_eq!(lease(mail, one).await, SendingLease::Held);
        assert_eq!(lease(mail, other).await, SendingLease::HeldByAnother);
        assert_eq!(lease(mail, one).await, SendingLease::Held, "a renewal");
    }
    assert_eq!(lease(code(2), other).await, SendingLease::Held, "another code");
    let someone_else = MailKey::Code(issue(user_id(), 1));
    assert_eq!(lease(someone_else, other).await, SendingLease::Held, "another registration");
    let another_notice = MailKey::Notice(notice());
    assert_eq!(lease(another_notice, other).await, SendingLease::Held, "another notice");
    // A lease is no window.
    assert_eq!(store.spend_attempt(issue(user, 1)).await.unwrap(), Attempt::Unknown);
    assert_eq!(open(&*store, issue(user, 1), MINUTE, 5).await, opened());
}

async fn a_lease_ends_by_the_clock_unless_it_is_renewed(store: Store) {
    let code = MailKey::Code(issue(user_id(), 1));
    let (one, other) = (unique_id(), unique_id());
    store.lease_sending(code, one, SHORT_WINDOW).await.unwrap();
    store.lease_sending(code, one, MINUTE).await.unwrap();
    sleep(2 * SHORT_WINDOW).await;
    let asked = store.lease_sending(code, other, SHORT_WINDOW).await.unwrap();
    assert_eq!(asked, SendingLease::HeldByAnother, "it was renewed for a minute");

    let renewed = Instant::now();
    store.lease_sending(code, one, SHORT_WINDOW).await.unwrap();
    eventually_within(EXPIRY_TIMEOUT, "the end of the lease", async || {
        let asked = store.lease_sending(code, other, MINUTE).await.unwrap();
        (asked == SendingLease::Held).then_some(())
    })
    .await;
    assert!(renewed.elapsed() >= SHORT_WINDOW);
    assert_eq!(store.lease_sending(code, one, MINUTE).await.unwrap(), SendingLease::HeldByAnother);
}

async fn a_lease_is_given_back_by_its_holder_only(store: Store) {
    for mail in [MailKey::Code(issue(user_id(), 1)), MailKey::Notice(notice())] {
        let (one, other) = (unique_id(), unique_id());
        let lease = async |sender| store.lease_sending(mail, sender, MINUTE).await.unwrap();
        store.release_sending(mail, one).await.unwrap();
        assert_eq!(lease(one).await, SendingLease::Held);
        store.release_sending(mail, other).await.unwrap();
        assert_eq!(lease(other).await, SendingLease::HeldByAnother);
        store.release_sending(mail, one).await.unwrap();
        assert_eq!(lease(other).await, SendingLease::Held);
    }
}

async fn a_lease_and_a_window_are_had_at_once(store: Store) {
    let code = issue(user_id(), 2);
    let (one, other) = (unique_id(), unique_id());
    let begin = async |code, sender| {
        store.lease_and_open(code, window(MINUTE, 5), sender, MINUTE).await.unwrap()
    };
    assert_eq!(begin(code, one).await, Some(opened()));
    assert_eq!(begin(code, one).await, Some(opened()));
    assert_eq!(begin(code, other).await, None);
    let by = async |sender| store.lease_sending(MailKey::Code(code), sender, MINUTE).await.unwrap();
    assert_eq!((by(one).await, by(other).await), (SendingLease::Held, SendingLease::HeldByAnother));
    assert_eq!(store.spend_attempt(code).await.unwrap(), spent(4));
    mark_accepted(&*store, code, MINUTE, 5).await;
    assert!(matches!(begin(code, one).await, Some(Opening::Accepted { left }) if left <= MINUTE));
    assert_eq!(begin(issue(code.user_id, 1), other).await, Some(Opening::Superseded));
    store.consume(code).await.unwrap();
    assert_eq!(begin(code, one).await, Some(Opening::Consumed));
}

async fn one_of_parallel_senders_gets_the_lease(store: Store) {
    let code = MailKey::Code(issue(user_id(), 1));
    let answers = in_parallel(50, || {
        let (store, sender) = (store.clone(), unique_id());
        async move { store.lease_sending(code, sender, MINUTE).await.unwrap() }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| **answer == SendingLease::Held).count(), 1);
}

async fn a_release_gives_a_consumed_code_back(store: Store) {
    let code = issue(user_id(), 1);
    open(&*store, code, MINUTE, 5).await;
    store.spend_attempt(code).await.unwrap();
    store.consume(code).await.unwrap();
    store.release(code).await.unwrap();
    assert_eq!(store.spend_attempt(code).await.unwrap(), spent(3));
    assert_eq!(store.consume(code).await.unwrap(), Consumption::Won);
    assert_eq!(store.consume(code).await.unwrap(), Consumption::AlreadyConsumed);

    let expired = issue(user_id(), 1);
    open(&*store, expired, SHORT_WINDOW, 5).await;
    store.consume(expired).await.unwrap();
    sleep(2 * SHORT_WINDOW).await;
    store.release(expired).await.unwrap();
    assert_eq!(store.spend_attempt(expired).await.unwrap(), Attempt::Expired);
}

async fn a_release_of_anything_else_does_nothing(store: Store) {
    let user = user_id();
    store.release(issue(user, 1)).await.unwrap();
    assert_eq!(store.spend_attempt(issue(user, 1)).await.unwrap(), Attempt::Unknown);
    open(&*store, issue(user, 2), MINUTE, 5).await;
    store.release(issue(user, 2)).await.unwrap();
    assert_eq!(store.spend_attempt(issue(user, 2)).await.unwrap(), spent(4));
    store.consume(issue(user, 2)).await.unwrap();
    store.release(issue(user, 1)).await.unwrap();
    assert_eq!(store.spend_attempt(issue(user, 2)).await.unwrap(), Attempt::Consumed);
}

async fn asvs_6_6_2_registrations_do_not_share_windows(store: Store) {
    let (one, other) = (issue(user_id(), 1), issue(user_id(), 1));
    open(&*store, one, MINUTE, 5).await;
    open(&*store, other, MINUTE, 5).await;
    store.spend_attempt(one).await.unwrap();
    store.consume(one).await.unwrap();
    assert_eq!(store.spend_attempt(other).await.unwrap(), spent(4));
    assert_eq!(store.consume(other).await.unwrap(), Consumption::Won);
}

async fn asvs_6_6_3_parallel_attempts_get_exactly_the_allowed_number(store: Store) {
    let code = issue(user_id(), 1);
    open(&*store, code, MINUTE, 5).await;
    let attempts = in_parallel(200, || {
        let store = store.clone();
        async move { store.spend_attempt(code).await.unwrap() }
    })
    .await;
    let mut left: Vec<_> = attempts
        .iter()
        .filter_map(|attempt| match attempt {
            Attempt::Spent { left, .. } => Some(*left),
            _ => None,
        })
        .collect();
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2, 3, 4]);
    assert_eq!(attempts.iter().filter(|attempt| **attempt == Attempt::Exhausted).count(), 195);
}

async fn asvs_6_5_1_one_of_parallel_consumptions_wins(store: Store) {
    for _ in 0..20 {
        let code = issue(user_id(), 1);
        open(&*store, code, MINUTE, 5).await;
        let outcomes = in_parallel(20, || {
            let store = store.clone();
            async move { store.consume(code).await.unwrap() }
        })
        .await;
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        assert_eq!((count(Consumption::Won), count(Consumption::AlreadyConsumed)), (1, 19));
    }
}

async fn the_latest_of_parallel_openings_stays(store: Store) {
    let user = user_id();
    let mut number = 0;
    in_parallel(50, || {
        number += 1;
        let (store, code) = (store.clone(), issue(user, number));
        async move { open(&*store, code, MINUTE, 5).await }
    })
    .await;
    assert_eq!(store.spend_attempt(issue(user, 49)).await.unwrap(), Attempt::Unknown);
    assert_eq!(store.spend_attempt(issue(user, 50)).await.unwrap(), spent(4));
}

/// Runs as many tasks at once, and returns what they return.
async fn in_parallel<F: Future<Output: Send> + Send + 'static>(
    tasks: usize,
    mut task: impl FnMut() -> F,
) -> Vec<F::Output> {
    let tasks: Vec<_> = (0..tasks).map(|_| tokio::spawn(task())).collect();
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

/// Spends attempts until the window has run out.
async fn until_expired(store: &Store, code: CodeIssue) {
    eventually_within(EXPIRY_TIMEOUT, "the window to run out", async || {
        (store.spend_attempt(code).await.unwrap() == Attempt::Expired).then_some(())
    })
    .await;
}
