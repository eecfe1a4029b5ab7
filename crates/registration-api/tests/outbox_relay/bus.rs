//! A bus that refuses, fails or holds what a test says.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use domain::ports::{EventPublisher, PublishError};
use domain::{Event, EventId};
use test_support::soon;
use tokio::sync::{Notify, Semaphore};

pub(crate) struct Bus {
    pub(crate) published: Mutex<Vec<EventId>>,
    /// Refused for ever, for now so many times, or held until a permit is given.
    pub(crate) rejected: Mutex<Vec<EventId>>,
    pub(crate) failures: Mutex<HashMap<EventId, u32>>,
    pub(crate) held: Mutex<Vec<EventId>>,
    pub(crate) gate: Semaphore,
    pub(crate) is_down: AtomicBool,
    /// It answers, and takes nothing.
    pub(crate) takes_nothing: AtomicBool,
    pub(crate) attempts: AtomicU32,
    pub(crate) pings: AtomicU32,
    pub(crate) entered: Notify,
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
            takes_nothing: AtomicBool::new(false),
            attempts: AtomicU32::new(0),
            pings: AtomicU32::new(0),
            entered: Notify::new(),
        }
    }
}

impl Bus {
    /// Waits until what the bus has been asked for meets a condition.
    pub(crate) async fn until(&self, condition: impl Fn(&Self) -> bool) {
        soon("a call of the bus", async {
            while !condition(self) {
                self.entered.notified().await;
            }
        })
        .await;
    }

    fn publish_one(&self, id: EventId) -> Result<(), PublishError> {
        if self.rejected.lock().unwrap().contains(&id) {
            return Err(PublishError::Rejected("no such route".into()));
        }
        if self.is_down.load(Ordering::Relaxed) {
            return Err(PublishError::Unavailable("connection refused".into()));
        }
        if self.takes_nothing.load(Ordering::Relaxed) {
            return Err(PublishError::Unavailable("access refused".into()));
        }
        if let Some(left) = self.failures.lock().unwrap().get_mut(&id).filter(|left| **left > 0) {
            *left -= 1;
            return Err(PublishError::Unavailable("connection refused".into()));
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
        self.pings.fetch_add(1, Ordering::Relaxed);
        self.entered.notify_one();
        if self.is_down.load(Ordering::Relaxed) {
            Err(PublishError::Unavailable("connection refused".into()))
        } else {
            Ok(())
        }
    }
}
