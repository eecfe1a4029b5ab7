//! Events on their way from a user repository to the relay of the same process: handed over in
//! memory at commit, so that the common path needs no query to find them. Bounded: what does not fit
//! is left to be claimed. What is lost with the process becomes due when its lease ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::Event;
use domain::ports::{HandedOver, OutboxEntry, Recorded};
use tokio::sync::{Mutex, Notify, mpsc};
use tokio::time::Instant;

/// How many events may wait for the relay. It takes them as fast as the broker does; what is left
/// by then is better found by a claim, which other relays may make too.
const CAPACITY: usize = 1000;

/// Connects the repository and the outbox of one process.
pub struct HandOver {
    lease: Duration,
    is_wanted: AtomicBool,
    sender: mpsc::Sender<HandedOver>,
    receiver: Mutex<mpsc::Receiver<HandedOver>>,
    due: Notify,
    webhook: Option<Webhook>,
}

/// What is also recorded for the webhook.
struct Webhook {
    types: Vec<&'static str>,
    hand_over: Arc<HandOver>,
}

impl HandOver {
    /// Hands events over for `lease`, as soon as a relay wants them.
    pub fn new(lease: Duration) -> Arc<Self> {
        Arc::new(Self::build(lease, None))
    }

    /// The same, and events of `types` are also recorded for the webhook, whose relay has the second
    /// one. That relay claims each event, because a webhook is slow and its events are few.
    pub fn with_webhook(lease: Duration, types: Vec<&'static str>) -> (Arc<Self>, Arc<Self>) {
        let hand_over = Self::to_nobody();
        let webhook = Webhook { types, hand_over: hand_over.clone() };
        (Arc::new(Self::build(lease, Some(webhook))), hand_over)
    }

    fn build(lease: Duration, webhook: Option<Webhook>) -> Self {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let (is_wanted, due) = (AtomicBool::new(false), Notify::new());
        Self { lease, is_wanted, sender, receiver: Mutex::new(receiver), due, webhook }
    }

    /// For a process that runs no relay: every event is left to be claimed by another.
    pub fn to_nobody() -> Arc<Self> {
        Self::new(Duration::ZERO)
    }

    /// The same, and events of `webhook_types` are also recorded for the webhook.
    pub fn to_nobody_of(webhook_types: Vec<&'static str>) -> Arc<Self> {
        Self::with_webhook(Duration::ZERO, webhook_types).0
    }

    pub(crate) fn set_wanted(&self, wanted: bool) {
        self.is_wanted.store(wanted, Ordering::Relaxed);
    }

    /// Reserves room before the events are written, since each is written either as claimed or as
    /// due. The lease begins now, which is before the database says so.
    pub(crate) fn prepare(self: &Arc<Self>, events: Vec<Event>) -> Recording {
        let reserve = |_: &Event| self.sender.clone().try_reserve_owned().ok();
        let permits = if self.is_wanted.load(Ordering::Relaxed) {
            events.iter().map(reserve).collect()
        } else {
            None
        };
        let lease_ends = Instant::now() + self.lease;
        Recording { hand_over: Arc::clone(self), events, permits, lease_ends }
    }

    /// See [`domain::ports::Outbox::recorded`].
    pub(crate) async fn recorded(&self, limit: u32) -> Recorded {
        let mut receiver = self.receiver.lock().await;
        let mut events = Vec::new();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        tokio::select! {
            _ = receiver.recv_many(&mut events, limit) => Recorded::HandedOver(events),
            () = self.due.notified() => Recorded::Due,
        }
    }
}

/// Events that are about to be committed.
pub(crate) struct Recording {
    hand_over: Arc<HandOver>,
    events: Vec<Event>,
    permits: Option<Vec<mpsc::OwnedPermit<HandedOver>>>,
    lease_ends: Instant,
}

impl Recording {
    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    /// For how long the events are to be written as claimed; none if they are to be written as due.
    pub(crate) fn lease(&self) -> Option<Duration> {
        self.permits.as_ref().map(|_| self.hand_over.lease)
    }

    /// The events that are also to be recorded for the webhook, as due.
    pub(crate) fn for_webhook(&self) -> impl Iterator<Item = &Event> {
        let types = self.hand_over.webhook.as_ref().map_or(&[][..], |webhook| &webhook.types);
        self.events.iter().filter(|event| types.contains(&event.kind.type_name()))
    }

    /// Tells the relays. To be called once the events are committed.
    pub(crate) fn committed(self) {
        if let Some(webhook) = &self.hand_over.webhook
            && self.for_webhook().next().is_some()
        {
            webhook.hand_over.due.notify_one();
        }
        let Some(permits) = self.permits else {
            if !self.events.is_empty() {
                self.hand_over.due.notify_one();
            }
            return;
        };
        let lease_ends = self.lease_ends.into_std();
        for (permit, event) in permits.into_iter().zip(self.events) {
            let entry = OutboxEntry { event, attempts: 1 };
            permit.send(HandedOver { entry, lease_ends });
        }
    }
}
