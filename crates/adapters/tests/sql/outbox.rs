//! The contracts of `Outbox` and of the `DeadLetters` over it.

use std::{collections::HashSet, time::Duration};

use domain::ports::{DeadLetterAction, OutboxEntry, OutboxStatus};
use domain::{CodeIssue, Event, EventId, UserEvent};
use futures::future::join_all;
use test_support::{eventually, unique_id};
use tokio::time::Instant;

use crate::dead_letters::{act, listed};
use crate::fixtures::{LONG_PERIOD, SHORT_PERIOD, Store, event, outlast, user};

on_every_store! {
    every_kind_of_event_is_kept_exactly,
    the_events_that_are_due_for_longest_come_first,
    an_event_that_was_deferred_comes_after_one_that_is_due_for_longer,
    a_claimed_event_is_given_to_nobody_else,
    an_expired_lease_makes_the_event_due_again,
    parallel_relays_share_the_work,
    a_deleted_event_is_gone,
    a_deferred_event_comes_back_after_its_delay,
    a_buried_event_stays_until_it_is_replayed,
    a_buried_event_is_listed_with_all_its_identifiers,
    an_event_of_a_newer_version_is_left_alone_and_counted,
    the_status_counts_each_event_once,
}

/// Records that many events; returns them in the order of their identifiers.
async fn record(store: &Store, count: usize) -> Vec<Event> {
    let user = user(&format!("{}@example.com", unique_id().simple()));
    let events: Vec<Event> =
        (0..count).map(|_| event(UserEvent::UserActivated { user_id: user.id() })).collect();
    // Stored in another order than the one they happened in.
    let reversed: Vec<Event> = events.iter().rev().cloned().collect();
    store.users.claim(&user, &reversed).await.unwrap();
    events
}

fn ids(entries: &[OutboxEntry]) -> Vec<EventId> {
    entries.iter().map(|entry| entry.event.id).collect()
}

fn ids_of(events: &[Event]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

async fn every_kind_of_event_is_kept_exactly(store: Store) {
    let user = user("ada@example.com");
    let issue = CodeIssue { user_id: user.id(), number: u32::MAX };
    let events = [
        UserEvent::UserRegistered { issue: user.issue() },
        UserEvent::CodeRequested { issue },
        UserEvent::UserActivated { user_id: user.id() },
        UserEvent::RegistrationRepeated { user_id: user.id() },
        UserEvent::UserDeleted { user_id: user.id() },
    ]
    .map(event);
    store.users.claim(&user, &events).await.unwrap();
    let due: Vec<Event> = store.due().await.into_iter().map(|entry| entry.event).collect();
    assert_eq!(due, events);
}

async fn the_events_that_are_due_for_longest_come_first(store: Store) {
    let first = record(&store, 3).await;
    outlast(Duration::ZERO).await;
    let later = record(&store, 2).await;
    assert!(store.outbox.claim(0, LONG_PERIOD).await.unwrap().is_empty());
    let claimed = store.outbox.claim(3, LONG_PERIOD).await.unwrap();
    assert_eq!(ids(&claimed), ids_of(&first), "in the order in which they happened");
    assert!(claimed.iter().all(|entry| entry.attempts == 1));
    assert_eq!(ids(&store.outbox.claim(10, LONG_PERIOD).await.unwrap()), ids_of(&later));
}

/// Events that fail again and again must not keep the others from ever being taken.
async fn an_event_that_was_deferred_comes_after_one_that_is_due_for_longer(store: Store) {
    let deferred = record(&store, 1).await;
    store.due().await;
    let waiting = record(&store, 1).await;
    outlast(Duration::ZERO).await;
    store.outbox.defer(deferred[0].id, Duration::ZERO).await.unwrap();
    outlast(Duration::ZERO).await;
    assert_eq!(ids(&store.outbox.claim(1, LONG_PERIOD).await.unwrap()), ids_of(&waiting));
    assert_eq!(ids(&store.outbox.claim(1, LONG_PERIOD).await.unwrap()), ids_of(&deferred));
}

async fn a_claimed_event_is_given_to_nobody_else(store: Store) {
    record(&store, 3).await;
    assert_eq!(store.due().await.len(), 3);
    assert!(store.due().await.is_empty());
}

async fn an_expired_lease_makes_the_event_due_again(store: Store) {
    let events = record(&store, 1).await;
    let claimed = Instant::now();
    assert_eq!(store.outbox.claim(1, SHORT_PERIOD).await.unwrap().len(), 1);
    let again = eventually("the lease to end", async || {
        store.outbox.claim(1, LONG_PERIOD).await.unwrap().pop()
    })
    .await;
    assert!(claimed.elapsed() >= SHORT_PERIOD);
    assert_eq!((again.event.id, again.attempts), (events[0].id, 2));
}

async fn parallel_relays_share_the_work(store: Store) {
    let events = record(&store, 200).await;
    let relays = (0..8).map(|_| async {
        let mut taken = Vec::new();
        let mut empty = 0;
        // A round that found nothing may have met rows that others were just taking.
        while empty < 3 {
            let entries = store.outbox.claim(7, LONG_PERIOD).await.unwrap();
            assert!(entries.len() <= 7);
            assert!(ids(&entries).is_sorted());
            empty = if entries.is_empty() { empty + 1 } else { 0 };
            taken.extend(ids(&entries));
        }
        taken
    });
    let taken: Vec<EventId> = join_all(relays).await.concat();
    assert_eq!(taken.len(), 200, "no event was handed out twice");
    assert_eq!(taken.into_iter().collect::<HashSet<_>>(), ids_of(&events).into_iter().collect());
}

async fn a_deleted_event_is_gone(store: Store) {
    let events = record(&store, 3).await;
    store.outbox.claim(10, Duration::ZERO).await.unwrap();
    store.outbox.delete(&[]).await.unwrap();
    store
        .outbox
        .delete(&[events[0].id, events[2].id, EventId::from_uuid(unique_id())])
        .await
        .unwrap();
    outlast(Duration::ZERO).await;
    assert_eq!(ids(&store.due().await), [events[1].id]);
}

async fn a_deferred_event_comes_back_after_its_delay(store: Store) {
    let events = record(&store, 2).await;
    store.due().await;
    let deferred = Instant::now();
    store.outbox.defer(events[0].id, SHORT_PERIOD).await.unwrap();
    let again = eventually("the delay to end", async || store.due().await.pop()).await;
    assert!(deferred.elapsed() >= SHORT_PERIOD);
    assert_eq!((again.event.id, again.attempts), (events[0].id, 2));
    assert!(store.due().await.is_empty(), "the other is still claimed");
}

async fn a_buried_event_stays_until_it_is_replayed(store: Store) {
    let events = record(&store, 2).await;
    store.outbox.claim(10, Duration::ZERO).await.unwrap();
    store.outbox.bury(events[0].id, "no such route").await.unwrap();
    outlast(Duration::ZERO).await;
    assert_eq!(ids(&store.due().await), [events[1].id]);
    let buried = listed(&*store.dead_letters).await;
    assert_eq!(buried.len(), 1);
    assert_eq!(buried[0].reason, "no such route");
    assert!(buried[0].event.contains(&events[0].id.as_uuid().to_string()));

    assert_eq!(act(&*store.dead_letters, DeadLetterAction::Replay).await, buried);
    let replayed = store.due().await;
    assert_eq!((ids(&replayed), replayed[0].attempts), (vec![events[0].id], 1));
    assert!(listed(&*store.dead_letters).await.is_empty());
}

async fn a_buried_event_is_listed_with_all_its_identifiers(store: Store) {
    let user = user("ada@example.com");
    let events = [
        event(UserEvent::UserRegistered { issue: user.issue() }),
        event(UserEvent::UserActivated { user_id: user.id() }),
    ];
    store.users.claim(&user, &events).await.unwrap();
    for event in events.iter().rev() {
        store.outbox.bury(event.id, "refused").await.unwrap();
    }
    let listed = listed(&*store.dead_letters).await;
    let parsed: Vec<serde_json::Value> =
        listed.iter().map(|letter| serde_json::from_str(&letter.event).unwrap()).collect();
    let common = |event: &Event, kind: &str| {
        serde_json::json!({
            "id": event.id.as_uuid().to_string(),
            "type": kind,
            "user_id": user.id().to_string(),
            "traceparent": event.trace.to_string(),
        })
    };
    let mut registered = common(&events[0], "user.registered");
    registered["code_number"] = 1.into();
    assert_eq!(parsed, [registered, common(&events[1], "user.activated")]);
}

/// A rolling update, or one that is taken back: the event waits for a relay that knows its type.
async fn an_event_of_a_newer_version_is_left_alone_and_counted(store: Store) {
    let unknown = 20;
    // Due before all others, which they must not keep from being taken.
    let insert = |_| {
        let (id, user_id) = (unique_id(), unique_id());
        format!(
            "INSERT INTO outbox (id, type, user_id, traceparent, due_at, created_at)
             SELECT '{id}', 'user.of_the_future', '{user_id}', '', due_at, created_at FROM outbox LIMIT 1;"
        )
    };
    let statements = (0..unknown).map(insert).collect::<Vec<_>>().concat();
    let earlier = record(&store, 1).await;
    store.location.execute(&statements).await;
    let later = record(&store, 2).await;
    assert_eq!(store.outbox.count_unknown().await.unwrap(), unknown);
    let mut claimed = ids(&store.outbox.claim(3, LONG_PERIOD).await.unwrap());
    claimed.sort();
    assert_eq!(claimed, [ids_of(&earlier), ids_of(&later)].concat());
    assert!(store.due().await.is_empty());
    assert!(listed(&*store.dead_letters).await.is_empty());

    // A newer version knows the type.
    let known = "UPDATE outbox SET type = 'user.activated',
                 traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
                 WHERE type = 'user.of_the_future'";
    store.location.execute(known).await;
    let due = store.due().await;
    assert_eq!(due.len() as u64, unknown);
    assert!(due.iter().all(|entry| entry.attempts == 1), "it was never claimed before");
    assert_eq!(store.outbox.count_unknown().await.unwrap(), 0);
}

async fn the_status_counts_each_event_once(store: Store) {
    assert_eq!(store.monitor.status().await.unwrap(), OutboxStatus::default());
    let events = record(&store, 5).await;
    store.outbox.bury(events[4].id, "refused").await.unwrap();
    store.outbox.claim(3, LONG_PERIOD).await.unwrap();
    for (kind, count) in [("user.of_tomorrow", 2), ("user.of_the_future", 1)] {
        for _ in 0..count {
            let (id, user_id) = (unique_id(), unique_id());
            let unknown = format!(
                "INSERT INTO outbox (id, type, user_id, traceparent, due_at, created_at)
                 SELECT '{id}', '{kind}', '{user_id}', '', due_at, created_at FROM outbox LIMIT 1"
            );
            store.location.execute(&unknown).await;
        }
    }
    outlast(SHORT_PERIOD).await;
    let status = store.monitor.status().await.unwrap();
    let age = status.oldest_age.unwrap();
    assert!(age >= SHORT_PERIOD && age < LONG_PERIOD, "{age:?}");
    let expected = OutboxStatus {
        depth: 4,
        oldest_age: Some(age),
        leased: 3,
        buried: 1,
        unknown: [("user.of_the_future".to_owned(), 1), ("user.of_tomorrow".to_owned(), 2)].into(),
    };
    assert_eq!(status, expected);
}
