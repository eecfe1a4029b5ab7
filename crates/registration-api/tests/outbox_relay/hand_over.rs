//! Events that the relay gets at commit, claimed already.

use std::sync::atomic::Ordering;
use std::time::Duration;

use registration_api::outbox_relay::RelayOptions;
use tokio::time::Instant;

use crate::{id, options, start};

/// Longer than any test.
const NEVER: Duration = Duration::from_hours(1);

#[tokio::test(start_paused = true)]
async fn an_event_that_is_handed_over_needs_no_claim() {
    let relay = start(RelayOptions { poll_interval: NEVER, ..options() }, |_, _| {});
    relay.outbox.until(|outbox| outbox.claims.load(Ordering::Relaxed) == 1).await;
    assert!(relay.outbox.hand_over.load(Ordering::Relaxed), "the relay wants events");
    let handed_over = Instant::now();
    relay.outbox.hand_over(1, options().lease);
    relay.bus.until(|bus| bus.attempts.load(Ordering::Relaxed) == 1).await;
    assert_eq!(handed_over.elapsed(), Duration::ZERO, "alone it waits for nothing");
    relay.outbox.until_empty().await;
    assert_eq!(*relay.bus.published.lock().unwrap(), [id(1)]);
    assert_eq!(relay.outbox.claims.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn while_a_batch_is_on_its_way_events_gather() {
    let relay = start(RelayOptions { poll_interval: NEVER, ..options() }, |_, bus| {
        bus.held.lock().unwrap().push(id(1));
    });
    relay.outbox.hand_over(1, options().lease);
    relay.bus.until(|bus| bus.attempts.load(Ordering::Relaxed) == 1).await;
    for number in 2..=6 {
        relay.outbox.hand_over(number, options().lease);
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    relay.outbox.until(|outbox| outbox.rows.lock().unwrap().len() == 1).await;
    assert_eq!(relay.bus.attempts.load(Ordering::Relaxed), 2, "five events in one batch");
    relay.bus.gate.add_permits(1);
    relay.outbox.until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn what_has_waited_for_half_its_lease_is_left_to_a_claim() {
    let lease = options().lease;
    let relay = start(RelayOptions { batches_in_flight: 1, ..options() }, |_, bus| {
        bus.held.lock().unwrap().push(id(1));
    });
    relay.outbox.hand_over(1, lease);
    relay.bus.until(|bus| bus.attempts.load(Ordering::Relaxed) == 1).await;
    relay.outbox.hand_over(2, lease);
    tokio::time::sleep(lease / 2 + Duration::from_millis(1)).await;
    relay.bus.gate.add_permits(1);
    relay.outbox.until(|outbox| outbox.rows.lock().unwrap().len() == 1).await;
    let attempts = |row: &crate::outbox::Row| (row.event.id, row.attempts);
    assert_eq!(attempts(&relay.outbox.rows.lock().unwrap()[0]), (id(2), 1));
    relay
        .outbox
        .until(|outbox| outbox.rows.lock().unwrap().iter().all(|row| row.attempts == 2))
        .await;
    relay.outbox.until_empty().await;
    assert_eq!(*relay.bus.published.lock().unwrap(), [id(1), id(2)]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_handed_over_while_the_bus_is_down() {
    let relay = start(options(), |_, bus| bus.is_down.store(true, Ordering::Relaxed));
    relay.outbox.hand_over(1, options().lease);
    relay.outbox.until(|outbox| !outbox.hand_over.load(Ordering::Relaxed)).await;
    relay.outbox.add(2);
    relay.bus.is_down.store(false, Ordering::Relaxed);
    relay.outbox.until_empty().await;
    assert!(relay.outbox.hand_over.load(Ordering::Relaxed), "the bus has recovered");
}

#[tokio::test(start_paused = true)]
async fn what_was_handed_over_last_is_delivered_at_shutdown() {
    let relay = start(RelayOptions { poll_interval: NEVER, ..options() }, |_, _| {});
    relay.outbox.until(|outbox| outbox.claims.load(Ordering::Relaxed) == 1).await;
    relay.shutdown.cancel();
    (1..=25).for_each(|number| relay.outbox.hand_over(number, options().lease));
    relay.task.await.unwrap();
    assert_eq!(relay.bus.published.lock().unwrap().len(), 25);
    assert!(relay.outbox.rows.lock().unwrap().is_empty(), "and deleted");
    assert!(!relay.outbox.hand_over.load(Ordering::Relaxed));
}
