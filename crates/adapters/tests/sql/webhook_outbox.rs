//! The events for the webhook, beside those for the bus: recorded together, delivered apart.

use std::collections::BTreeMap;

use domain::ports::{DeadLetterAction, DeadLetterSelection, OutboxStatus, Recorded};
use domain::{Event, EventId, UserEvent};
use futures::FutureExt;

use crate::dead_letters::{apply, listed};
use crate::fixtures::{LONG_PERIOD, Store, event, user};

on_every_store!(
    an_event_is_recorded_for_each_destination_that_wants_it,
    what_becomes_of_one_delivery_does_not_touch_the_other,
    the_relay_of_the_webhook_is_told_of_its_events_only,
    a_claimed_address_records_nothing_for_the_webhook,
    a_webhook_that_was_set_aside_is_shown_and_replayed_by_itself,
    each_destination_has_its_status,
    what_a_newer_version_recorded_is_left_to_it,
);

/// A registered user who is activated, with the events of both.
async fn activated(store: &Store) -> Vec<Event> {
    let mut user = user("ada@example.com");
    let registered = event(UserEvent::UserRegistered { issue: user.issue() });
    store.users.claim(&user, std::slice::from_ref(&registered)).await.unwrap();
    let issue = user.issue();
    user.activate().unwrap();
    let activated = event(UserEvent::UserActivated { user_id: user.id() });
    store.users.save(&user, issue, std::slice::from_ref(&activated)).await.unwrap();
    vec![registered, activated]
}

async fn claimed_for_webhook(store: &Store) -> Vec<Event> {
    let entries = store.webhooks.claim(10, LONG_PERIOD).await.unwrap();
    entries.into_iter().map(|entry| entry.event).collect()
}

async fn an_event_is_recorded_for_each_destination_that_wants_it(store: Store) {
    let events = activated(&store).await;
    let due: Vec<Event> = store.due().await.into_iter().map(|entry| entry.event).collect();
    assert_eq!(due, events);
    assert_eq!(claimed_for_webhook(&store).await, events[1..], "only the activation is wanted");
    assert!(claimed_for_webhook(&store).await.is_empty(), "it is leased");
}

async fn what_becomes_of_one_delivery_does_not_touch_the_other(store: Store) {
    let events = activated(&store).await;
    let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
    store.outbox.delete(&ids).await.unwrap();
    assert!(store.due().await.is_empty());
    assert_eq!(claimed_for_webhook(&store).await, events[1..]);
    store.webhooks.defer(ids[1], std::time::Duration::ZERO).await.unwrap();
    let again = store.webhooks.claim(10, LONG_PERIOD).await.unwrap();
    assert_eq!(again.iter().map(|entry| entry.attempts).collect::<Vec<_>>(), [2]);
    store.webhooks.delete(&ids).await.unwrap();
    assert_eq!(store.webhook_monitor.status().await.unwrap(), OutboxStatus::default());
}

async fn the_relay_of_the_webhook_is_told_of_its_events_only(store: Store) {
    let mut user = user("ada@example.com");
    let registered = event(UserEvent::UserRegistered { issue: user.issue() });
    store.users.claim(&user, &[registered]).await.unwrap();
    assert_eq!(store.webhooks.recorded(10).now_or_never(), None);
    user.activate().unwrap();
    let activated = event(UserEvent::UserActivated { user_id: user.id() });
    store.users.save(&user, user.issue(), &[activated]).await.unwrap();
    assert_eq!(store.webhooks.recorded(10).now_or_never(), Some(Recorded::Due));
}

async fn a_claimed_address_records_nothing_for_the_webhook(store: Store) {
    let user = user("ada@example.com");
    store.users.claim(&user, &[]).await.unwrap();
    let event = event(UserEvent::UserActivated { user_id: user.id() });
    store.users.claim(&user, &[event]).await.unwrap_err();
    assert!(claimed_for_webhook(&store).await.is_empty());
}

async fn a_webhook_that_was_set_aside_is_shown_and_replayed_by_itself(store: Store) {
    let id = activated(&store).await[1].id;
    store.webhooks.bury(id, "the receiver answered 410").await.unwrap();
    let letters = listed(&*store.dead_letters).await;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].id, letters[0].kind.as_deref()), (Some(id), Some("user.activated")));
    assert_eq!(letters[0].reason, "the receiver answered 410");
    let shown: serde_json::Value = serde_json::from_str(&letters[0].event).unwrap();
    assert_eq!(shown["destination"], "webhook");

    let selection = DeadLetterSelection { ids: vec![id], ..Default::default() };
    apply(&*store.dead_letters, DeadLetterAction::Replay, &selection).await.unwrap();
    assert!(listed(&*store.dead_letters).await.is_empty());
    assert_eq!(claimed_for_webhook(&store).await.len(), 1);
    store.webhooks.bury(id, "again").await.unwrap();
    apply(&*store.dead_letters, DeadLetterAction::Discard, &selection).await.unwrap();
    assert_eq!(store.webhook_monitor.status().await.unwrap(), OutboxStatus::default());
    assert_eq!(store.monitor.status().await.unwrap().depth, 2, "the bus still has its own");
}

async fn each_destination_has_its_status(store: Store) {
    activated(&store).await;
    assert_eq!(store.monitor.status().await.unwrap().depth, 2);
    let status = store.webhook_monitor.status().await.unwrap();
    assert_eq!((status.depth, status.leased, status.buried), (1, 0, 0));
    claimed_for_webhook(&store).await;
    let status = store.webhook_monitor.status().await.unwrap();
    assert_eq!((status.depth, status.leased), (1, 1));
}

async fn what_a_newer_version_recorded_is_left_to_it(store: Store) {
    activated(&store).await;
    store.location.execute("UPDATE webhook_outbox SET type = 'user.of_the_future'").await;
    assert!(claimed_for_webhook(&store).await.is_empty());
    assert_eq!(store.webhooks.count_unknown().await.unwrap(), 1);
    let status = store.webhook_monitor.status().await.unwrap();
    assert_eq!(status.unknown, BTreeMap::from([("user.of_the_future".to_owned(), 1)]));
    assert_eq!(store.outbox.count_unknown().await.unwrap(), 0);
}
