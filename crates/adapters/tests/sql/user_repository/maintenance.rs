//! The purge, callers that go away, and what the relay is told.

use super::{claim, find};
use crate::dead_letters::listed;
use crate::fixtures::{LONG_PERIOD, SHORT_PERIOD, Store, event, events_of, outlast, user};
use domain::UserEvent;
use domain::ports::{OutboxEntry, PurgeAges, Purged, Recorded};
use futures::future::join_all;
use futures::{FutureExt, poll};
use std::task::Poll;
use std::time::Duration;
use test_support::eventually;
use tokio::task::unconstrained;

on_every_store! {
    asvs_14_2_7_the_purge_takes_old_unverified_users_in_batches,
    the_purge_spares_a_user_whose_minute_runs,
    the_purge_spares_a_user_whose_mail_was_never_sent_up_to_a_limit,
    the_purge_counts_from_the_last_code_that_was_asked_for,
    parallel_purges_do_not_disturb_each_other,
    asvs_2_3_3_a_dropped_caller_leaves_nothing_half_done,
    the_relay_is_told_of_what_adds_events,
    events_are_handed_over_as_claimed_to_a_relay_that_wants_them,
    what_a_relay_does_not_take_is_left_to_be_claimed,
    the_store_answers,
}

/// Purges whoever is old enough, whether or not the mail was sent. Returns how many that were.
async fn purge(store: &Store, age: Duration, limit: u32) -> u64 {
    let ages = PurgeAges { mailed: age, unmailed: age };
    store.users.purge_unverified(ages, limit).await.unwrap().total()
}

async fn asvs_14_2_7_the_purge_takes_old_unverified_users_in_batches(store: Store) {
    let active = store.active("ada@example.com").await;
    let mut old = Vec::new();
    for number in 0..3 {
        old.push(store.registered(&format!("a{number}@example.com")).await);
    }
    assert_eq!(purge(&store, LONG_PERIOD, 10).await, 0);
    outlast(SHORT_PERIOD).await;
    assert_eq!(purge(&store, SHORT_PERIOD, 2).await, 2);
    assert!(store.users.find(old[0].id()).await.unwrap().is_none(), "the oldest go first");
    assert!(store.users.find(old[2].id()).await.unwrap().is_some());
    assert_eq!(purge(&store, SHORT_PERIOD, 2).await, 1);
    let young = store.registered("young@example.com").await;
    assert_eq!(purge(&store, LONG_PERIOD, 2).await, 0);
    assert!(store.users.find(young.id()).await.unwrap().is_some());
    assert!(find(&store, &active).await.is_active());
    store.registered("a0@example.com").await;
}

async fn the_purge_spares_a_user_whose_minute_runs(store: Store) {
    let ada = store.registered("ada@example.com").await;
    store.users.hold_address(ada.issue(), LONG_PERIOD).await.unwrap();
    outlast(Duration::ZERO).await;
    assert_eq!(purge(&store, Duration::ZERO, 10).await, 0);
    find(&store, &ada).await;
    store.users.release_address(ada.issue()).await.unwrap();
    outlast(Duration::ZERO).await;
    assert_eq!(purge(&store, Duration::ZERO, 10).await, 1);
}

async fn the_purge_spares_a_user_whose_mail_was_never_sent_up_to_a_limit(store: Store) {
    let unmailed =
        [store.registered("ada@example.com").await, store.registered("bob@example.com").await];
    let mailed =
        [store.registered("carol@example.com").await, store.registered("dave@example.com").await];
    for user in &mailed {
        store.users.hold_address(user.issue(), Duration::ZERO).await.unwrap();
    }
    outlast(SHORT_PERIOD).await;
    let ages = PurgeAges { mailed: SHORT_PERIOD, unmailed: LONG_PERIOD };
    for left in [1, 1, 0] {
        // The older ones, who are spared, do not take the places of others.
        let purged = store.users.purge_unverified(ages, 1).await.unwrap();
        assert_eq!(purged, Purged { mailed: left, unmailed: Vec::new() });
    }
    find(&store, &unmailed[0]).await;
    let ages = PurgeAges { mailed: SHORT_PERIOD, unmailed: SHORT_PERIOD };
    for user in &unmailed {
        let purged = store.users.purge_unverified(ages, 1).await.unwrap();
        assert_eq!(purged, Purged { mailed: 0, unmailed: vec![user.id()] });
    }
    assert_eq!(store.users.purge_unverified(ages, 1).await.unwrap(), Purged::default());
}

async fn the_purge_counts_from_the_last_code_that_was_asked_for(store: Store) {
    let mut ada = store.registered("ada@example.com").await;
    outlast(Duration::ZERO).await;
    let bob = store.registered("bob@example.com").await;
    outlast(Duration::ZERO).await;
    let seen = ada.issue();
    ada.request_code().unwrap();
    store.users.save(&ada, seen, &[]).await.unwrap();
    outlast(Duration::ZERO).await;
    assert_eq!(purge(&store, Duration::ZERO, 1).await, 1);
    assert!(store.users.find(bob.id()).await.unwrap().is_none(), "nothing was asked for him since");
    find(&store, &ada).await;
}

async fn parallel_purges_do_not_disturb_each_other(store: Store) {
    for number in 0..20 {
        store.registered(&format!("a{number}@example.com")).await;
    }
    outlast(Duration::ZERO).await;
    let mut purged = 0;
    while purged < 20 {
        let round = (0..8).map(|_| purge(&store, Duration::ZERO, 2));
        let round: u64 = join_all(round).await.into_iter().sum();
        assert!(round >= 2, "somebody gets on");
        purged += round;
    }
    assert_eq!(purged, 20);
}

/// Goes away after every possible number of steps, also in the middle of the transaction.
async fn asvs_2_3_3_a_dropped_caller_leaves_nothing_half_done(store: Store) {
    for steps in 0..40 {
        let mut ada = user(&format!("a{steps}@example.com"));
        let events = events_of(&mut ada);
        let mut claim = store.users.claim(&ada, &events);
        for _ in 0..steps {
            if let Poll::Ready(done) = poll!(&mut claim) {
                done.unwrap();
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(claim);
        // The next change waits for what was begun.
        let next = store.registered(&format!("b{steps}@example.com")).await;
        assert!(store.users.find(next.id()).await.unwrap().is_some());
    }
    // Whoever was polled at all has begun; they end in any order.
    for steps in 1..40 {
        let begun = user(&format!("a{steps}@example.com"));
        eventually("the claim", async || store.users.find_by_email(begun.email()).await.unwrap())
            .await;
    }
    let events = store.due().await;
    for steps in 0..40 {
        let email = user(&format!("a{steps}@example.com"));
        let stored = store.users.find_by_email(email.email()).await.unwrap();
        let recorded = stored.as_ref().map(|user| {
            events.iter().filter(|entry| entry.event.kind.user_id() == user.id()).count()
        });
        match steps {
            0 => assert!(stored.is_none(), "a future that was never polled does nothing"),
            _ => assert_eq!(recorded, Some(1), "after {steps} steps"),
        }
    }
    assert_eq!(events.len(), 39);
}

/// What the relay of this process is told now.
fn told(store: &Store) -> Option<Recorded> {
    unconstrained(store.outbox.recorded(10)).now_or_never()
}

async fn the_relay_is_told_of_what_adds_events(store: Store) {
    let mut ada = user("ada@example.com");
    claim(&store, &mut ada).await.unwrap();
    assert_eq!(told(&store), Some(Recorded::Due), "a claim");
    assert!(claim(&store, &mut user("ada@example.com")).await.is_err());
    store.users.hold_address(ada.issue(), LONG_PERIOD).await.unwrap();
    assert_eq!(told(&store), None, "nothing was added");
    let seen = ada.issue();
    ada.activate().unwrap();
    let events = events_of(&mut ada);
    store.users.save(&ada, seen, &events).await.unwrap();
    assert_eq!(told(&store), Some(Recorded::Due), "a save");
    let notice = event(UserEvent::RegistrationRepeated { user_id: ada.id() });
    store.users.record_repeated_registration(ada.id(), LONG_PERIOD, &notice).await.unwrap();
    assert_eq!(told(&store), Some(Recorded::Due), "a notice");
    assert_eq!(store.due().await.len(), 3);
}

async fn events_are_handed_over_as_claimed_to_a_relay_that_wants_them(store: Store) {
    store.outbox.set_hand_over(true);
    let mut ada = user("ada@example.com");
    let events = events_of(&mut ada);
    store.users.claim(&ada, &events).await.unwrap();
    let Some(Recorded::HandedOver(handed_over)) = told(&store) else { panic!("no event") };
    let entries: Vec<_> = handed_over.iter().map(|event| event.entry.clone()).collect();
    assert_eq!(entries, [OutboxEntry { event: events[0].clone(), attempts: 1 }]);
    assert!(handed_over[0].lease_ends <= std::time::Instant::now() + LONG_PERIOD);
    assert!(store.due().await.is_empty(), "no other relay may have it");

    assert!(claim(&store, &mut user("ada@example.com")).await.is_err());
    assert_eq!(told(&store), None, "a claim that is refused hands nothing over");

    // Its relay has died.
    let row = "UPDATE outbox SET due_at = created_at";
    store.location.execute(row).await;
    let claimed = store.due().await;
    assert_eq!(claimed, [OutboxEntry { event: events[0].clone(), attempts: 2 }]);

    store.outbox.set_hand_over(false);
    claim(&store, &mut user("bob@example.com")).await.unwrap();
    assert_eq!(told(&store), Some(Recorded::Due));
    assert_eq!(store.due().await.len(), 1);
}

async fn what_a_relay_does_not_take_is_left_to_be_claimed(store: Store) {
    let active = store.active("ada@example.com").await;
    assert_eq!(told(&store), Some(Recorded::Due));
    store.outbox.set_hand_over(true);
    let many = 1010;
    let events: Vec<_> = (0..many)
        .map(|_| event(UserEvent::RegistrationRepeated { user_id: active.id() }))
        .collect();
    for event in &events {
        store.users.record_repeated_registration(active.id(), Duration::ZERO, event).await.unwrap();
    }
    let mut handed_over = 0;
    let mut is_due = false;
    while let Some(recorded) = told(&store) {
        match recorded {
            Recorded::HandedOver(events) => handed_over += events.len(),
            Recorded::Due => is_due = true,
        }
    }
    assert!(is_due && handed_over < many, "the memory is bounded");
    assert_eq!(handed_over + store.due().await.len(), many);
}

async fn the_store_answers(store: Store) {
    store.users.ping().await.unwrap();
    store.registered("ada@example.com").await;
    store.users.ping().await.unwrap();
    assert!(store.due().await.is_empty(), "what was written to find out is gone");
    assert!(listed(&*store.dead_letters).await.is_empty());
}
