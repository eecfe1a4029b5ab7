//! A handler that does what a test says, and tells the test what it was given; and events to give
//! it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::ports::{EventHandler, EventPublisher, HandleError};
use domain::{CodeIssue, Event, EventId, TraceParent, UserEvent, UserId};
use test_support::{soon_within, unique_id};
use tokio::sync::{Semaphore, mpsc};

/// Longer than a delivery takes, even after a reconnection, and shorter than the timeouts of a
/// minute that some tests set.
pub(crate) const DELIVERY_TIMEOUT: Duration = Duration::from_secs(20);

/// What the handler answers.
pub(crate) enum Reply {
    Done,
    Transient,
    Permanent(&'static str),
    Panic,
}

/// One call of the handler.
pub(crate) struct Call {
    pub(crate) event: Event,
    pub(crate) at: Instant,
}

pub(crate) struct ScriptedHandler {
    script: Box<dyn Fn(usize) -> Reply + Send + Sync>,
    count: AtomicUsize,
    busy: AtomicUsize,
    most_busy: AtomicUsize,
    calls: mpsc::UnboundedSender<Call>,
    gate: Option<Arc<Semaphore>>,
}

impl ScriptedHandler {
    /// Answers the nth call (from 0) as `script` says.
    pub(crate) fn new(
        script: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Call>) {
        Self::build(script, None)
    }

    /// Answers each call only when the test adds a permit.
    pub(crate) fn gated(gate: Arc<Semaphore>) -> (Arc<Self>, mpsc::UnboundedReceiver<Call>) {
        Self::build(|_| Reply::Done, Some(gate))
    }

    /// Answers each call as `script` says, when the test adds a permit.
    pub(crate) fn gated_script(
        gate: Arc<Semaphore>,
        script: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Call>) {
        Self::build(script, Some(gate))
    }

    fn build(
        script: impl Fn(usize) -> Reply + Send + Sync + 'static,
        gate: Option<Arc<Semaphore>>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Call>) {
        let (calls, receiver) = mpsc::unbounded_channel();
        let (count, busy, most_busy) = Default::default();
        (Arc::new(Self { script: Box::new(script), count, busy, most_busy, calls, gate }), receiver)
    }

    /// The most calls that were under way at once.
    pub(crate) fn most_busy(&self) -> usize {
        self.most_busy.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl EventHandler for ScriptedHandler {
    async fn handle(&self, event: &Event) -> Result<(), HandleError> {
        let busy = self.busy.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_busy.fetch_max(busy, Ordering::SeqCst);
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let _ = self.calls.send(Call { event: event.clone(), at: Instant::now() });
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        self.busy.fetch_sub(1, Ordering::SeqCst);
        match (self.script)(number) {
            Reply::Done => Ok(()),
            Reply::Transient => Err(HandleError::Transient("not now".into())),
            Reply::Permanent(reason) => Err(HandleError::Permanent(reason.into())),
            Reply::Panic => panic!("the handler panics, as the test wants"),
        }
    }
}

/// The next call, or a failed test.
pub(crate) async fn next(calls: &mut mpsc::UnboundedReceiver<Call>) -> Call {
    soon_within(DELIVERY_TIMEOUT, "a call of the handler", calls.recv())
        .await
        .expect("the handler lives")
}

/// No call is on its way: the next one is for an event that is published now.
pub(crate) async fn assert_no_more(
    publisher: &dyn EventPublisher,
    calls: &mut mpsc::UnboundedReceiver<Call>,
) {
    let last = registered();
    publisher.publish(std::slice::from_ref(&last)).await;
    assert_eq!(next(calls).await.event, last, "the handler is called once more");
}

fn event(kind: UserEvent) -> Event {
    let id = unique_id();
    Event { id: EventId::from_uuid(id), trace: TraceParent::start(id), kind }
}

fn issue() -> CodeIssue {
    CodeIssue { user_id: UserId::from_uuid(unique_id()), number: 3 }
}

pub(crate) fn registered() -> Event {
    event(UserEvent::UserRegistered { issue: issue() })
}

pub(crate) fn code_requested() -> Event {
    event(UserEvent::CodeRequested { issue: issue() })
}

pub(crate) fn activated() -> Event {
    event(UserEvent::UserActivated { user_id: UserId::from_uuid(unique_id()) })
}

pub(crate) fn repeated() -> Event {
    event(UserEvent::RegistrationRepeated { user_id: UserId::from_uuid(unique_id()) })
}

pub(crate) fn deleted() -> Event {
    event(UserEvent::UserDeleted { user_id: UserId::from_uuid(unique_id()) })
}
