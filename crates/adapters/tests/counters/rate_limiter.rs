//! The contract of `RateLimiter`.

use std::sync::Arc;
use std::time::Duration;

use adapters::in_process::InProcessRateLimiter;
use adapters::redis::RedisRateLimiter;
use domain::ports::{LimitKey, LimitOutcome, Quota, RateLimiter};
use futures::future::join_all;
use test_support::eventually;
use tokio::time::{Instant, sleep};

use crate::prefix;

type Limiter = Arc<dyn RateLimiter>;

const THREE_A_MINUTE: Quota = Quota { burst: 3, period: Duration::from_mins(1) };

contract! {
    cases: [
        a_burst_is_allowed_and_then_refused,
        a_refused_event_is_not_counted,
        keys_do_not_share_a_quota,
        events_come_back_evenly,
        a_quota_of_one_spaces_events,
        extreme_quotas_are_borne,
        what_is_given_back_can_be_counted_again,
    ],
    parallel_cases: [asvs_2_4_1_a_parallel_burst_is_exact],
    in_process: std::sync::Arc::new(super::InProcessRateLimiter::new()),
    redis: |redis| std::sync::Arc::new(super::RedisRateLimiter::new(redis, &super::prefix())),
}

fn key(subject: &str) -> LimitKey {
    LimitKey::new("register", subject)
}

/// Whether `actual` is `expected` less the time since `start`, some of which the store has not
/// seen.
fn assert_about(actual: Duration, expected_seconds: u64, start: Instant) {
    let expected = Duration::from_secs(expected_seconds);
    let rounding = Duration::from_micros(10);
    assert!(actual <= expected, "{actual:?} is more than {expected:?}");
    assert!(actual + start.elapsed() + rounding >= expected, "{actual:?} is far from {expected:?}");
}

async fn a_burst_is_allowed_and_then_refused(limiter: Limiter) {
    let start = Instant::now();
    for used in 1..=3_u32 {
        match limiter.check(&key("a"), THREE_A_MINUTE).await.unwrap() {
            LimitOutcome::Allowed { remaining, reset_after } => {
                assert_eq!(remaining, 3 - used);
                assert_about(reset_after, 20 * u64::from(used), start);
            }
            LimitOutcome::Refused { .. } => panic!("event {used} should have been allowed"),
        }
    }
    match limiter.check(&key("a"), THREE_A_MINUTE).await.unwrap() {
        LimitOutcome::Refused { retry_after, reset_after } => {
            assert_about(retry_after, 20, start);
            assert_about(reset_after, 60, start);
        }
        LimitOutcome::Allowed { .. } => panic!("event 4 should have been refused"),
    }
}

async fn a_refused_event_is_not_counted(limiter: Limiter) {
    let quota = Quota { burst: 1, period: Duration::from_mins(1) };
    limiter.check(&key("a"), quota).await.unwrap();
    let mut least = Duration::from_mins(1);
    for _ in 0..50 {
        let retry_after = wait_of(limiter.check(&key("a"), quota).await.unwrap());
        assert!(retry_after <= least);
        least = retry_after;
    }
}

async fn keys_do_not_share_a_quota(limiter: Limiter) {
    let quota = Quota { burst: 1, period: Duration::from_mins(1) };
    limiter.check(&key("a"), quota).await.unwrap();
    assert!(is_allowed(limiter.check(&key("b"), quota).await.unwrap()));
    assert!(is_allowed(limiter.check(&LimitKey::new("activate", "a"), quota).await.unwrap()));
}

/// At no time are there more events than a burst and one for each interval that has passed, and
/// waiting as long as one is told is always enough.
async fn events_come_back_evenly(limiter: Limiter) {
    let quota = Quota { burst: 4, period: Duration::from_millis(200) };
    let interval = quota.period / quota.burst;
    let start = Instant::now();
    let mut allowed = 0;
    while allowed < 12 {
        match limiter.check(&key("a"), quota).await.unwrap() {
            LimitOutcome::Allowed { .. } => allowed += 1,
            LimitOutcome::Refused { retry_after, .. } => {
                assert!(!retry_after.is_zero() && retry_after <= interval, "{retry_after:?}");
                sleep(retry_after).await;
                assert!(is_allowed(limiter.check(&key("a"), quota).await.unwrap()));
                allowed += 1;
            }
        }
        let earned = u128::from(quota.burst) + start.elapsed().as_nanos() / interval.as_nanos();
        assert!(allowed <= earned, "{allowed} events, but only {earned} were earned");
    }
    sleep(quota.period).await;
    match limiter.check(&key("a"), quota).await.unwrap() {
        LimitOutcome::Allowed { remaining, .. } => assert_eq!(remaining, 3),
        LimitOutcome::Refused { .. } => panic!("the burst should have been whole again"),
    }
}

async fn a_quota_of_one_spaces_events(limiter: Limiter) {
    let quota = Quota { burst: 1, period: Duration::from_millis(50) };
    let start = Instant::now();
    assert!(is_allowed(limiter.check(&key("a"), quota).await.unwrap()));
    eventually("the next event to be allowed", async || {
        is_allowed(limiter.check(&key("a"), quota).await.unwrap()).then_some(())
    })
    .await;
    assert!(start.elapsed() >= quota.period);
}

async fn what_is_given_back_can_be_counted_again(limiter: Limiter) {
    limiter.give_back(&key("a"), THREE_A_MINUTE).await.unwrap();
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..3 {
            assert!(is_allowed(limiter.check(&key("a"), THREE_A_MINUTE).await.unwrap()));
        }
        assert_about(wait_of(limiter.check(&key("a"), THREE_A_MINUTE).await.unwrap()), 20, start);
        for _ in 0..3 {
            limiter.give_back(&key("a"), THREE_A_MINUTE).await.unwrap();
        }
    }
    match limiter.check(&key("a"), THREE_A_MINUTE).await.unwrap() {
        LimitOutcome::Allowed { remaining, .. } => assert_eq!(remaining, 2),
        LimitOutcome::Refused { .. } => panic!("the burst should have been whole"),
    }
}

async fn extreme_quotas_are_borne(limiter: Limiter) {
    let endless = Quota { burst: 1, period: Duration::MAX };
    assert!(is_allowed(limiter.check(&key("endless"), endless).await.unwrap()));
    assert!(!is_allowed(limiter.check(&key("endless"), endless).await.unwrap()));
    let unlimited = Quota { burst: u32::MAX, period: Duration::from_nanos(1) };
    for _ in 0..100 {
        assert!(is_allowed(limiter.check(&key("unlimited"), unlimited).await.unwrap()));
    }
}

async fn asvs_2_4_1_a_parallel_burst_is_exact(limiter: Limiter) {
    // A period that the burst does not divide.
    let quota = Quota { burst: 7, period: Duration::from_hours(1) };
    let checks = (0..100).map(|_| {
        let limiter = limiter.clone();
        tokio::spawn(async move { limiter.check(&key("a"), quota).await.unwrap() })
    });
    let outcomes = join_all(checks).await;
    assert_eq!(
        outcomes.into_iter().filter(|outcome| is_allowed(*outcome.as_ref().unwrap())).count(),
        7
    );
}

fn is_allowed(outcome: LimitOutcome) -> bool {
    matches!(outcome, LimitOutcome::Allowed { .. })
}

fn wait_of(outcome: LimitOutcome) -> Duration {
    match outcome {
        LimitOutcome::Refused { retry_after, .. } => retry_after,
        LimitOutcome::Allowed { .. } => panic!("the event should have been refused"),
    }
}
