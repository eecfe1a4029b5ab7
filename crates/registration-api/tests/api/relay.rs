use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{EventPublisher, Outbox, OutboxEntry, OutboxError, PublishError};
use domain::{Event, EventId, TraceParent, UserEvent, UserId};
use registration_api::outbox_relay::{OutboxRelay, RelayOptions};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{broken, soon};

struct Row {
    event: Event,
    due: Instant,
    attempts: u32,
}

#[derive(Default)]
struct MemoryOutbox {
    rows: Mutex<Vec<Row>>,
    buried: Mutex<HashMap<EventId, String>>,
    deletions: Mutex<Vec<usize>>,
    claims: AtomicU32,
    is_down: AtomicBool,
    changed: Notify,
}

impl MemoryOutbox {
    fn add(&self, number: u128) {
        let event = Event {
            id: EventId::from_uuid(Uuid::from_u128(number)),
            trace: TraceParent::start(Uuid::from_u128(1)),
            kind: UserEvent::UserActivated { user_id: UserId::from_uuid(Uuid::from_u128(number)) },
        };
        self.rows.lock().unwrap().push(Row { event, due: Instant::now(), attempts: 0 });
    }

    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        soon(async {
            loop {
                let changed = self.changed.notified();
                if condition(self) {
                    return;
                }
                changed.await;
            }
        })
        .await;
    }

    async fn until_empty(&self) {
        self.until(|outbox| outbox.rows.lock().unwrap().is_empty()).await;
    }

    fn change<T>(&self, act: impl FnOnce(&mut Vec<Row>) -> T) -> Result<T, OutboxError> {
        let is_down = self.is_down.load(Ordering::Relaxed);
        let result =
            if is_down { Err(OutboxError(broken())) } else { Ok(act(&mut self.rows.lock().unwrap())) };
        self.changed.notify_waiters();
        result
    }
}

#[async_trait]
impl Outbox for MemoryOutbox {
    async fn claim(&self, limit: u32, lease: Duration) -> Result<Vec<OutboxEntry>, OutboxError> {
        self.claims.fetch_add(1, Ordering::Relaxed);
        self.change(|rows| {
            let now = Instant::now();
            let due = rows.iter_mut().filter(|row| row.due <= now).take(limit as usize);
            due.map(|row| {
                row.due = now + lease;
                row.attempts += 1;
                OutboxEntry { event: row.event.clone(), attempts: row.attempts }
            })
            .collect()
        })
    }

    async fn delete(&self, events: &[EventId]) -> Result<(), OutboxError> {
        self.deletions.lock().unwrap().push(events.len());
        self.change(|rows| rows.retain(|row| !events.contains(&row.event.id)))
    }

    async fn defer(&self, event: EventId, delay: Duration) -> Result<(), OutboxError> {
        self.change(|rows| {
            rows.iter_mut().find(|row| row.event.id == event).unwrap().due = Instant::now() + delay;
        })
    }

    async fn bury(&self, event: EventId, reason: &str) -> Result<(), OutboxError> {
        self.buried.lock().unwrap().insert(event, reason.to_owned());
        self.change(|rows| rows.retain(|row| row.event.id != event))
    }
}

struct Bus {
    published: Mutex<Vec<EventId>>,
    /// Refused for ever, for now so many times, or held until a permit is given.
    rejected: Mutex<Vec<EventId>>,
    failures: Mutex<HashMap<EventId, u32>>,
    held: Mutex<Vec<EventId>>,
    gate: Semaphore,
    is_down: AtomicBool,
    attempts: AtomicU32,
    entered: Notify,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            published: Mutex::default(),
            rejected: Mutex::default(),
            failures: Mutex::default(),
            held: Mutex::default(),
            gate: Semaphore::new(0),
            is_down: AtomicBool::new(false),
            attempts: AtomicU32::new(0),
            entered: Notify::new(),
        }
    }
}

impl Bus {
    fn publish_one(&self, id: EventId) -> Result<(), PublishError> {
        if self.rejected.lock().unwrap().contains(&id) {
            return Err(PublishError::Rejected("no such route".into()));
        }
        if self.is_down.load(Ordering::Relaxed) {
            return Err(PublishError::Unavailable(broken()));
        }
        if let Some(left) = self.failures.lock().unwrap().get_mut(&id).filter(|left| **left > 0) {
            *left -= 1;
            return Err(PublishError::Unavailable(broken()));
        }
        self.published.lock().unwrap().push(id);
        Ok(())
    }
}

#[async_trait]
impl EventPublisher for Bus {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        self.entered.notify_one();
        let is_held = events.iter().any(|event| self.held.lock().unwrap().contains(&event.id));
        if is_held {
            self.gate.acquire().await.unwrap().forget();
        }
        events.iter().map(|event| self.publish_one(event.id)).collect()
    }

    async fn ping(&self) -> Result<(), PublishError> {
        if self.is_down.load(Ordering::Relaxed) { Err(PublishError::Unavailable(broken())) } else { Ok(()) }
    }
}

fn options() -> RelayOptions {
    RelayOptions {
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
    wake: Arc<Notify>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

fn start(options: RelayOptions, prepare: impl FnOnce(&MemoryOutbox, &Bus)) -> Running {
    let (outbox, bus) = (Arc::new(MemoryOutbox::default()), Arc::new(Bus::default()));
    prepare(&outbox, &bus);
    let (wake, shutdown) = (Arc::new(Notify::new()), CancellationToken::new());
    let relay = OutboxRelay::new(outbox.clone(), bus.clone(), wake.clone(), options);
    let task = tokio::spawn(relay.run(shutdown.clone()));
    Running { outbox, bus, wake, shutdown, task }
}

fn id(number: u128) -> EventId {
    EventId::from_uuid(Uuid::from_u128(number))
}

#[tokio::test]
async fn a_wake_up_is_answered_at_once_and_batches_follow_each_other() {
    let patient = RelayOptions { poll_interval: Duration::from_hours(1), ..options() };
    let relay = start(patient, |_, _| {});
    relay.outbox.until(|outbox| outbox.claims.load(Ordering::Relaxed) > 0).await;
    (1..=25).for_each(|number| relay.outbox.add(number));
    relay.wake.notify_one();
    relay.outbox.until_empty().await;
    assert_eq!(relay.bus.published.lock().unwrap().len(), 25);
    assert_eq!(*relay.outbox.deletions.lock().unwrap(), [10, 10, 5]);
}

#[tokio::test]
async fn what_nobody_announced_is_found() {
    let relay = start(options(), |_, _| {});
    relay.outbox.until(|outbox| outbox.claims.load(Ordering::Relaxed) > 1).await;
    relay.outbox.add(1);
    relay.outbox.until_empty().await;
}

#[tokio::test]
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

#[tokio::test]
async fn an_event_that_can_never_be_delivered_is_set_aside() {
    let relay = start(options(), |outbox, bus| {
        (1..=3).for_each(|number| outbox.add(number));
        bus.rejected.lock().unwrap().push(id(2));
    });
    relay.outbox.until_empty().await;
    assert_eq!(relay.outbox.buried.lock().unwrap().get(&id(2)).unwrap(), "no such route");
    assert_eq!(*relay.bus.published.lock().unwrap(), [id(1), id(3)]);
}

#[tokio::test]
async fn nothing_is_claimed_while_the_bus_is_down() {
    let relay = start(options(), |outbox, bus| {
        outbox.add(1);
        bus.is_down.store(true, Ordering::Relaxed);
    });
    soon(relay.bus.entered.notified()).await;
    relay.outbox.until(|outbox| outbox.rows.lock().unwrap()[0].attempts == 1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let attempts = relay.outbox.rows.lock().unwrap()[0].attempts;
    assert!(attempts <= 2, "an event was tried {attempts} times at a bus that is down");
    relay.bus.is_down.store(false, Ordering::Relaxed);
    relay.outbox.until_empty().await;
}

#[tokio::test]
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

#[tokio::test]
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

#[tokio::test]
async fn batches_in_flight_are_bounded() {
    let relay = start(RelayOptions { batch_size: 1, ..options() }, |outbox, bus| {
        (1..=5).for_each(|number| outbox.add(number));
        bus.held.lock().unwrap().extend((1..=5).map(id));
    });
    soon(async {
        while relay.bus.attempts.load(Ordering::Relaxed) < 2 {
            relay.bus.entered.notified().await;
        }
    })
    .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(relay.bus.attempts.load(Ordering::Relaxed), 2);
    relay.bus.gate.add_permits(5);
    relay.outbox.until_empty().await;
}

#[tokio::test]
async fn a_publisher_that_hangs_is_cut_short_at_the_end_of_the_lease() {
    let hasty = RelayOptions { lease: Duration::from_millis(50), ..options() };
    let relay = start(hasty, |outbox, bus| {
        outbox.add(1);
        bus.held.lock().unwrap().push(id(1));
    });
    soon(relay.bus.entered.notified()).await;
    relay.outbox.until(|outbox| outbox.rows.lock().unwrap()[0].attempts >= 2).await;
    relay.bus.gate.add_permits(1);
    relay.outbox.until_empty().await;
}

#[tokio::test]
async fn shutdown_finishes_what_is_on_its_way_after_one_last_look() {
    let relay = start(RelayOptions { batch_size: 1, ..options() }, |outbox, bus| {
        outbox.add(1);
        bus.held.lock().unwrap().push(id(1));
    });
    soon(relay.bus.entered.notified()).await;
    relay.shutdown.cancel();
    // The last answer of the API; and more than a last look takes.
    relay.outbox.add(2);
    relay.outbox.add(3);
    relay.bus.gate.add_permits(1);
    soon(relay.task).await.unwrap();
    let mut published = relay.bus.published.lock().unwrap().clone();
    published.sort_unstable();
    assert_eq!(published, [id(1), id(2)]);
    assert_eq!(relay.outbox.rows.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn shutdown_does_not_wait_for_ever() {
    let hasty = RelayOptions { drain_timeout: Duration::from_millis(50), ..options() };
    let relay = start(hasty, |outbox, bus| {
        outbox.add(1);
        bus.held.lock().unwrap().push(id(1));
    });
    soon(relay.bus.entered.notified()).await;
    relay.shutdown.cancel();
    soon(relay.task).await.unwrap();
    assert_eq!(relay.outbox.rows.lock().unwrap().len(), 1);
}
