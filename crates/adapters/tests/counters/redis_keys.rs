//! What lies in Redis: nothing secret, and nothing for ever.

use std::time::Duration;

use adapters::redis::{RedisBudget, RedisCodeStore, RedisRateLimiter};
use domain::ports::{
    Allowance, Attempt, Budget, BudgetKey, BudgetKind, CodeStore, Consumption, LimitKey, MailKey,
    Quota, RateLimiter, SendingLease,
};
use domain::{CodeIssue, CodeKey, CodeLength, EmailAddress, EventId};
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use test_support::unique_id;

use crate::{mark_accepted, open, opened, prefix, redis_connection, redis_url, spent, user_id};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn asvs_6_5_2_no_key_and_no_value_holds_a_code_or_an_address() {
    let prefix = prefix();
    let address = EmailAddress::parse("Grace.Hopper@example.com").unwrap();
    let issue = CodeIssue { user_id: user_id(), number: 1 };
    fill(&prefix, &address, issue).await;

    let mut redis = inspector().await;
    let mut kinds = Vec::new();
    for key in keys(&mut redis, &prefix).await {
        let mut text = vec![key.clone()];
        text.extend(values(&mut redis, &key).await);
        let code_key = CodeKey::from_bytes(b"a key of 32 bytes for this test!".to_vec()).unwrap();
        let code = code_key.derive(issue, CodeLength::new(4).unwrap());
        for text in text {
            let lower = text.to_lowercase();
            assert!(
                !lower.contains("hopper") && !lower.contains("example"),
                "{text} holds an address"
            );
            assert_ne!(text, code.expose());
            assert!(!lower.contains("203.0.113.7"), "{text} holds a client's address");
        }
        kinds.push(key.split(':').nth(1).unwrap().to_owned());
    }
    kinds.sort_unstable();
    let expected = [
        "client-guesses",
        "client-passwords",
        "code",
        "guesses",
        "limit",
        "limit",
        "mails",
        "network-mails",
        "notice",
        "passwords",
        "sending",
        "sending",
        "solved-challenges",
    ];
    assert_eq!(kinds, expected);
}

/// What a worker of the previous version writes: nothing about the derivation.
#[tokio::test]
async fn a_window_of_the_previous_version_can_be_used() {
    let prefix = prefix();
    let codes = RedisCodeStore::new(redis_connection(), &prefix);
    let [first, second] = [1, 2].map(|number| CodeIssue { user_id: user_id(), number });
    let second = CodeIssue { user_id: first.user_id, ..second };
    let key = format!("{prefix}:code:{}", first.user_id);
    let mut redis = inspector().await;
    let open_as_before = async |redis: &mut MultiplexedConnection, number: u32| {
        let fields =
            [("issue", number.to_string()), ("left", "5".into()), ("consumed", "0".into())];
        let () = redis.hset_multiple(&key, &fields).await.unwrap();
        let () = redis.hset(&key, "ends", "99999999999999999").await.unwrap();
    };
    open_as_before(&mut redis, 1).await;
    let attempt = Attempt::Spent { left: 4, derivation: None };
    assert_eq!(codes.spend_attempt(first).await.unwrap(), attempt);
    // A worker of this version mails the code again.
    assert_eq!(open(&codes, first, Duration::from_mins(1), 5).await, opened());
    assert_eq!(codes.spend_attempt(first).await.unwrap(), spent(3));
    // Then one of the previous version mails the next code: what is recorded is about an earlier
    // one.
    open_as_before(&mut redis, 2).await;
    assert_eq!(codes.spend_attempt(second).await.unwrap(), attempt);
    assert_eq!(codes.consume(second).await.unwrap(), Consumption::Won);
}

#[tokio::test]
async fn every_key_expires_in_its_time() {
    let prefix = prefix();
    let address = EmailAddress::parse("ada@example.com").unwrap();
    fill(&prefix, &address, CodeIssue { user_id: user_id(), number: 1 }).await;

    let mut redis = inspector().await;
    for key in keys(&mut redis, &prefix).await {
        let left: i64 = redis.pttl(&key).await.unwrap();
        let left = Duration::from_millis(u64::try_from(left).expect("the key never expires"));
        let is_short = key.contains(":limit:") || key.contains(":sending:");
        let most = if is_short { Duration::from_mins(1) } else { DAY };
        assert!(left <= most, "{key} stays for {left:?}");
        if !is_short {
            assert!(left + Duration::from_mins(1) > DAY, "{key} is forgotten in {left:?}");
        }
    }
}

/// A rolling update: windows that the version before has opened, and that it goes on to open.
#[tokio::test]
async fn windows_of_the_previous_version_work() {
    let prefix = prefix();
    let (user_id, minute) = (user_id(), Duration::from_mins(1));
    let issue = |number| CodeIssue { user_id, number };
    let mut redis = inspector().await;
    let mut open_as_before = async |number: u32| {
        let (seconds, _): (u64, u64) = redis::cmd("TIME").query_async(&mut redis).await.unwrap();
        let ends = (seconds + 60) * 1_000_000;
        let fields = [("issue", u64::from(number)), ("left", 5), ("consumed", 0), ("ends", ends)];
        let (): () =
            redis.hset_multiple(format!("{prefix}:code:{user_id}"), &fields).await.unwrap();
    };
    let codes = RedisCodeStore::new(redis_connection(), &prefix);
    open_as_before(1).await;
    assert_eq!(
        codes.spend_attempt(issue(1)).await.unwrap(),
        Attempt::Spent { left: 4, derivation: None }
    );
    assert_eq!(open(&codes, issue(1), minute, 5).await, opened());
    assert_eq!(mark_accepted(&codes, issue(1), minute, 5).await, opened());
    // A worker of that version takes the next code, and leaves the fields that it does not know.
    open_as_before(2).await;
    assert_eq!(open(&codes, issue(2), minute, 5).await, opened());
    assert_eq!(codes.spend_attempt(issue(2)).await.unwrap(), spent(4));
}

/// A rolling update: a worker of the previous version holds the lease of a code.
#[tokio::test]
async fn a_lease_of_the_previous_version_is_respected() {
    let prefix = prefix();
    let codes = RedisCodeStore::new(redis_connection(), &prefix);
    let issue = CodeIssue { user_id: user_id(), number: 3 };
    let lease_before = format!("{prefix}:sending:{}:3", issue.user_id);
    let mut redis = inspector().await;
    let () = redis.set(&lease_before, unique_id().to_string()).await.unwrap();
    let lease = async || {
        let minute = Duration::from_mins(1);
        codes.lease_sending(MailKey::Code(issue), unique_id(), minute).await.unwrap()
    };
    assert_eq!(lease().await, SendingLease::HeldByAnother);
    let () = redis.del(&lease_before).await.unwrap();
    assert_eq!(lease().await, SendingLease::Held);
    assert!(redis.exists::<_, bool>(&lease_before).await.unwrap());
}

/// Uses every store once.
async fn fill(prefix: &str, address: &EmailAddress, issue: CodeIssue) {
    let connection = redis_connection();
    let codes = RedisCodeStore::new(connection.clone(), prefix);
    let notice = EventId::from_uuid(unique_id());
    for mail in [MailKey::Code(issue), MailKey::Notice(notice)] {
        codes.lease_sending(mail, unique_id(), Duration::from_mins(1)).await.unwrap();
    }
    codes.mark_notice_accepted(notice).await.unwrap();
    open(&codes, issue, Duration::from_mins(1), 5).await;
    codes.spend_attempt(issue).await.unwrap();
    mark_accepted(&codes, issue, Duration::from_mins(1), 5).await;
    codes.consume(issue).await.unwrap();
    let budget = RedisBudget::new(connection.clone(), prefix);
    for kind in BudgetKind::ALL {
        let key = BudgetKey { kind, subject: address.lookup_key() };
        budget.spend(&key, &[Allowance { amount: 20, period: DAY }]).await.unwrap();
    }
    let limiter = RedisRateLimiter::new(connection, prefix);
    let quota = Quota { burst: 3, period: Duration::from_mins(1) };
    limiter.check(&LimitKey::new("resend:address", address.as_str()), quota).await.unwrap();
    limiter.check(&LimitKey::new("register:client", "203.0.113.7"), quota).await.unwrap();
}

async fn inspector() -> MultiplexedConnection {
    redis::Client::open(redis_url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn keys(redis: &mut MultiplexedConnection, prefix: &str) -> Vec<String> {
    redis.keys(format!("{prefix}:*")).await.unwrap()
}

async fn values(redis: &mut MultiplexedConnection, key: &str) -> Vec<String> {
    let kind: String = redis::cmd("TYPE").arg(key).query_async(redis).await.unwrap();
    match kind.as_str() {
        "hash" => redis.hgetall(key).await.unwrap(),
        "list" => redis.lrange(key, 0, -1).await.unwrap(),
        "string" => vec![redis.get(key).await.unwrap()],
        other => panic!("{key} is a {other}"),
    }
}
