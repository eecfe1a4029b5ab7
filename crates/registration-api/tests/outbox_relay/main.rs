//! The outbox relay between an outbox and a bus that a test can break. The clock is paused: it goes
//! on by itself when nobody has anything to do, so what has not happened after a pause would never
//! have happened.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod bus;
mod hand_over;
mod outbox;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::EventId;
use registration_api::outbox_relay::{Destination, OutboxRelay, RelayOptions};
use test_support::soon;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use bus::Bus;
use outbox::MemoryOutbox;

fn options() -> RelayOptions {
    RelayOptions {
        destination: Destination::Bus,
        batch_size: 10,
        batches_in_flight: 2,
        lease: Duration::from_secs(5),
        poll_interval: Duration::from_millis(20),
        first_retry: Duration::from_millis(10),
        max_retry: Duration::from_millis(80),
        drain_timeout: Duration::from_secs(5),
    }
}

struct Running {
    outbox: Arc<MemoryOutbox>,
    bus: Arc<Bus>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

fn start(options: RelayOptions, prepare: impl FnOnce(&MemoryOutbox, &Bus)) -> Running {
    let (outbox, bus) = (Arc::new(MemoryOutbox::default()), Arc::new(Bus::default()));
    prepare(&outbox, &bus);
    let shutdown = CancellationToken::new();
    let relay = OutboxRelay::new(outbox.clone(), bus.clone(), options);
    let task = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { relay.run(shutdown).await }
    });
    Running { outbox, bus, shutdown, task }
}

fn id(number: u128) -> EventId {
    EventId::from_uuid(Uuid::from_u128(number))
}

#[tokio::test(start_paused = true)]
async fn an_announcement_is_answered_at_once_and_batches_follow_each_other() {
    let patient = RelayOptions { poll_interval: Duration::from_hours(1), ..options() };
    let relay = start(patient, |_, _| {});
    relay.outbox.until(|outbox| outbox.claims.load(Ordering::Relaxed) > 0).await;
    (1..=25).for_each(|number| relay.outbox.add(number));
    relay.outbox.announce();
    relay.outbox.until_empty().await;
    assert_eq!(relay.bus.published.lock().unwrap().len(), 25);
    assert_eq!(*relay.outbox.deletions.lock().unwrap(), [25], "deleted together");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_announced_is_found() {
    let relay = start(options(), |_, _| {});
    relay.outbox.until(|outbox| outbox.claims.load(Ordering::Relaxed) > 1).await;
    relay.outbox.add(1);
    relay.outbox.until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn events_of_unknown_types_are_counted_once_a_minute() {
    let relay = start(options(), |_, _| {});
    // In between, the outbox is looked at thousands of times.
    tokio::time::sleep(Duration::from_secs(150)).await;
    assert_eq!(relay.outbox.counts.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failing_event_holds_up_no_other_and_is_tried_again() {
    let relay = start(options(), |outbox, bus| {
        (1..=5).for_each(|number| outbox.add(number));
        bus.failures.lock().unwrap().insert(id(3), 4);
    });
    relay.outbox.until(|outbox| outbox.rows.lock().unwrap().len() == 1).await;
    relay.outbox.until_empty().await;
    assert_eq!(relay.bus.published.lock().unwrap().last(), Some(&id(3)));
    assert_eq!(relay.outbox.buried.lock().unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_can_never_be_delivered_is_set_aside() {
    let relay = start(options(), |outbox, bus| {
        (1..=3).for_each(|number| outbox.add(number));
        bus.rejected.lock().unwrap().push(id(2));
    });
    relay.outbox.until_empty().await;
    assert_eq!(relay.outbox.buried.lock().unwrap().get(&id(2)).unwrap(), "no such route");
    assert_eq!(*relay.bus.published.lock().unwrap(), [id(1), id(3)]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_claimed_while_the_bus_is_down() {
    let relay = start(options(), |outbox, bus| {
        outbox.add(1);
        bus.is_down.store(true, Ordering::Relaxed);
    });
    // From the first ping on the relay knows.
    relay.bus.until(|bus| bus.pings.load(Ordering::Relaxed) > 0).await;
    let claims = relay.outbox.claims.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(
        relay.outbox.claims.load(Ordering::Relaxed),
        claims,
        "events are claimed for a bus that is down"
    );
    relay.bus.is_down.store(false, Ordering::Relaxed);
    relay.outbox.until_empty().await;
}

/// A bus that can be reached and takes nothing is tried with one event at a time.
#[tokio::test(start_paused = true)]
async fn a_bus_that_answers_and_takes_nothing_is_tried_with_one_event() {
    let relay = start(options(), |outbox, bus| {
        (1..=9).for_each(|number| outbox.add(number));
        bus.takes_nothing.store(true, Ordering::Relaxed);
    });
    relay.bus.until(|bus| bus.attempts.load(Ordering::Relaxed) > 20).await;
    let claimed: u32 = relay.outbox.rows.lock().unwrap().iter().map(|row| row.attempts).sum();
    let tried = relay.bus.attempts.load(Ordering::Relaxed);
    assert_eq!(claimed, 9 + tried - 1, "all of the first batch, then one at a time");
    relay.bus.takes_nothing.store(false, Ordering::Relaxed);
    relay.outbox.until_empty().await;
    assert_eq!(relay.bus.published.lock().unwrap().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn an_outbox_that_comes_back_is_emptied() {
    let relay = start(options(), |outbox, _| {
        outbox.add(1);
        outbox.is_down.store(true, Ordering::Relaxed);
    });
    relay.outbox.until(|outbox| outbox.claims.load(Ordering::Relaxed) > 2).await;
    relay.outbox.is_down.store(false, Ordering::Relaxed);
    relay.outbox.until_empty().await;
    assert_eq!(*relay.bus.published.lock().unwrap(), [id(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_batch_does_not_hold_up_the_next() {
    let relay = start(RelayOptions { batch_size: 1, ..options() }, |outbox, bus| {
        (1..=4).for_each(|number| outbox.add(number));
        bus.held.lock().unwrap().push(id(1));
    });
    relay.outbox.until(|outbox| outbox.rows.lock().unwrap().len() == 1).await;
    assert_eq!(relay.outbox.rows.lock().unwrap()[0].event.id, id(1));
    relay.bus.gate.add_permits(1);
    relay.outbox.until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn batches_in_flight_are_bounded() {
    let relay = start(RelayOptions { batch_size: 1, ..options() }, |outbox, bus| {
        (1..=5).for_each(|number| outbox.add(number));
        bus.held.lock().unwrap().extend((1..=5).map(id));
    });
    relay.bus.until(|bus| bus.attempts.load(Ordering::Relaxed) >= 2).await;
    // Many polls, but less than a lease.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(relay.bus.attempts.load(Ordering::Relaxed), 2);
    relay.bus.gate.add_permits(5);
    relay.outbox.until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_hangs_is_cut_short_at_the_end_of_the_lease() {
    let hasty = RelayOptions { lease: Duration::from_millis(50), ..options() };
    let relay = start(hasty, |outbox, bus| {
        outbox.add(1);
        bus.held.lock().unwrap().push(id(1));
    });
    relay.bus.until(|bus| bus.attempts.load(Ordering::Relaxed) > 0).await;
    relay.outbox.until(|outbox| outbox.rows.lock().unwrap()[0].attempts >= 2).await;
    relay.bus.gate.add_permits(1);
    relay.outbox.until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn the_lease_begins_before_the_claim_is_answered() {
    let started = Instant::now();
    let relay = start(options(), |outbox, bus| {
        outbox.add(1);
        *outbox.claim_delay.lock().unwrap() = Duration::from_secs(3);
        bus.held.lock().unwrap().push(id(1));
    });
    relay.bus.until(|bus| bus.attempts.load(Ordering::Relaxed) > 0).await;
    // The next claim must not hide when this delivery ends.
    *relay.outbox.claim_delay.lock().unwrap() = Duration::ZERO;
    // A bus that does not answer within the lease is asked whether it is there.
    relay.bus.until(|bus| bus.pings.load(Ordering::Relaxed) > 0).await;
    let lease = options().lease;
    assert!(started.elapsed() >= lease && started.elapsed() < lease + Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn what_was_claimed_too_slowly_is_left_to_the_next_claim() {
    let relay = start(options(), |outbox, _| {
        outbox.add(1);
        *outbox.claim_delay.lock().unwrap() = Duration::from_secs(6);
    });
    relay.outbox.until(|outbox| outbox.claims.load(Ordering::Relaxed) > 1).await;
    assert_eq!(
        relay.bus.attempts.load(Ordering::Relaxed),
        0,
        "another relay may have the event by now"
    );
    *relay.outbox.claim_delay.lock().unwrap() = Duration::ZERO;
    relay.outbox.until_empty().await;
}

#[tokio::test(start_paused = true)]
async fn shutdown_finishes_what_is_on_its_way_after_one_last_look() {
    let relay = start(RelayOptions { batch_size: 1, ..options() }, |outbox, bus| {
        outbox.add(1);
        bus.held.lock().unwrap().push(id(1));
    });
    relay.bus.until(|bus| bus.attempts.load(Ordering::Relaxed) > 0).await;
    relay.shutdown.cancel();
    // The last answer of the API; and more than a last look takes.
    relay.outbox.add(2);
    relay.outbox.add(3);
    relay.bus.gate.add_permits(1);
    soon("the relay to end", relay.task).await.unwrap();
    let mut published = relay.bus.published.lock().unwrap().clone();
    published.sort_unstable();
    assert_eq!(published, [id(1), id(2)]);
    assert_eq!(relay.outbox.rows.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn shutdown_does_not_wait_for_ever() {
    let hasty = RelayOptions { drain_timeout: Duration::from_millis(50), ..options() };
    let relay = start(hasty, |outbox, bus| {
        outbox.add(1);
        bus.held.lock().unwrap().push(id(1));
    });
    relay.bus.until(|bus| bus.attempts.load(Ordering::Relaxed) > 0).await;
    relay.shutdown.cancel();
    soon("the relay to end", relay.task).await.unwrap();
    assert_eq!(relay.outbox.rows.lock().unwrap().len(), 1);
}
