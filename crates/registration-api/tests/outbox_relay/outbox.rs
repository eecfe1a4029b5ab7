//! An outbox in memory that tells when it changes.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{HandedOver, Outbox, OutboxEntry, OutboxError, Recorded};
use domain::{Event, EventId, TraceParent, UserEvent, UserId};
use test_support::soon;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;
use uuid::Uuid;

pub(crate) struct Row {
    pub(crate) event: Event,
    due: Instant,
    pub(crate) attempts: u32,
}

struct HandOver(UnboundedSender<HandedOver>, tokio::sync::Mutex<UnboundedReceiver<HandedOver>>);

impl Default for HandOver {
    fn default() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self(sender, tokio::sync::Mutex::new(receiver))
    }
}

#[derive(Default)]
pub(crate) struct MemoryOutbox {
    pub(crate) rows: Mutex<Vec<Row>>,
    pub(crate) buried: Mutex<HashMap<EventId, String>>,
    pub(crate) deletions: Mutex<Vec<usize>>,
    pub(crate) claims: AtomicU32,
    /// How often the events of unknown types were counted.
    pub(crate) counts: AtomicU32,
    pub(crate) is_down: AtomicBool,
    /// How long the answer to a claim takes.
    pub(crate) claim_delay: Mutex<Duration>,
    changed: Notify,
    announced: Notify,
    handed_over: HandOver,
    /// Whether the relay wants events handed over.
    pub(crate) hand_over: AtomicBool,
}

impl MemoryOutbox {
    /// Adds an event that nobody announces.
    pub(crate) fn add(&self, number: u128) {
        self.push(number, Duration::ZERO, 0);
    }

    /// Tells the relay that there are events to claim.
    pub(crate) fn announce(&self) {
        self.announced.notify_one();
    }

    /// Adds an event that is claimed for `lease`, and hands it over.
    pub(crate) fn hand_over(&self, number: u128, lease: Duration) {
        let event = self.push(number, lease, 1);
        let lease_ends = (Instant::now() + lease).into_std();
        let entry = OutboxEntry { event, attempts: 1 };
        self.handed_over.0.send(HandedOver { entry, lease_ends }).unwrap();
    }

    fn push(&self, number: u128, lease: Duration, attempts: u32) -> Event {
        let event = Event {
            id: EventId::from_uuid(Uuid::from_u128(number)),
            trace: TraceParent::start(Uuid::from_u128(1)),
            kind: UserEvent::UserActivated { user_id: UserId::from_uuid(Uuid::from_u128(number)) },
        };
        let due = Instant::now() + lease;
        self.rows.lock().unwrap().push(Row { event: event.clone(), due, attempts });
        event
    }

    pub(crate) async fn until(&self, condition: impl Fn(&Self) -> bool) {
        soon("a change of the outbox", async {
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

    pub(crate) async fn until_empty(&self) {
        self.until(|outbox| outbox.rows.lock().unwrap().is_empty()).await;
    }

    fn change<T>(&self, act: impl FnOnce(&mut Vec<Row>) -> T) -> Result<T, OutboxError> {
        let is_down = self.is_down.load(Ordering::Relaxed);
        let result = if is_down {
            Err(OutboxError("connection refused".into()))
        } else {
            Ok(act(&mut self.rows.lock().unwrap()))
        };
        self.changed.notify_waiters();
        result
    }
}

#[async_trait]
impl Outbox for MemoryOutbox {
    async fn claim(&self, limit: u32, lease: Duration) -> Result<Vec<OutboxEntry>, OutboxError> {
        self.claims.fetch_add(1, Ordering::Relaxed);
        let claimed = self.change(|rows| {
            let now = Instant::now();
            let due = rows.iter_mut().filter(|row| row.due <= now).take(limit as usize);
            due.map(|row| {
                row.due = now + lease;
                row.attempts += 1;
                OutboxEntry { event: row.event.clone(), attempts: row.attempts }
            })
            .collect()
        });
        let delay = *self.claim_delay.lock().unwrap();
        tokio::time::sleep(delay).await;
        claimed
    }

    async fn recorded(&self, limit: u32) -> Recorded {
        let mut handed_over = self.handed_over.1.lock().await;
        let mut events = Vec::new();
        tokio::select! {
            _ = handed_over.recv_many(&mut events, limit as usize) => Recorded::HandedOver(events),
            () = self.announced.notified() => Recorded::Due,
        }
    }

    fn set_hand_over(&self, wanted: bool) {
        self.hand_over.store(wanted, Ordering::Relaxed);
    }

    async fn count_unknown(&self) -> Result<u64, OutboxError> {
        self.counts.fetch_add(1, Ordering::Relaxed);
        Ok(1)
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
