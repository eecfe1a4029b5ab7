//! What every event bus does, told through a relay as simple as can be: it publishes an event until
//! it is taken, or known to be of no use.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use domain::Event;
use domain::ports::{EventHandler, EventPublisher, PublishError};
use test_support::eventually_within;
use tokio::sync::Semaphore;

use crate::handler::{
    DELIVERY_TIMEOUT, Reply, ScriptedHandler, activated, assert_no_more, code_requested, deleted,
    next, registered, repeated,
};

/// One implementation, with a handler attached that handles up to [`CONCURRENCY`] events at once.
#[async_trait(?Send)]
pub(crate) trait Bus {
    async fn start(handler: Arc<dyn EventHandler>) -> Self;
    fn publisher(&self) -> &dyn EventPublisher;
    /// How many events have been set aside, here or at the relay (`rejected`).
    async fn set_aside(&self, rejected: usize) -> usize;
    /// Waits until the handler has been given every event that it may have now, which leaves
    /// `count`.
    async fn wait_until_kept_back(&self, count: usize);
}

pub(crate) const CONCURRENCY: u16 = 4;

/// Publishes until the event is taken (`Ok`) or rejected (`Err`).
async fn relay(publisher: &dyn EventPublisher, event: &Event) -> Result<(), ()> {
    eventually_within(DELIVERY_TIMEOUT, "the event to be taken", async || {
        let mut answers = publisher.publish(std::slice::from_ref(event)).await;
        assert_eq!(answers.len(), 1);
        match answers.pop().unwrap() {
            Ok(()) => Some(Ok(())),
            Err(PublishError::Rejected(_)) => Some(Err(())),
            Err(PublishError::Unavailable(_) | PublishError::Deferred(_)) => None,
        }
    })
    .await
}

pub(crate) async fn events_arrive_as_they_were_published<B: Bus>() {
    let (handler, mut calls) = ScriptedHandler::new(|_| Reply::Done);
    let bus = B::start(handler).await;
    for event in [registered(), code_requested(), repeated()] {
        relay(bus.publisher(), &event).await.unwrap();
        assert_eq!(next(&mut calls).await.event, event);
    }
    assert_no_more(bus.publisher(), &mut calls).await;
    bus.publisher().ping().await.unwrap();
}

pub(crate) async fn an_event_without_mail_is_taken_and_not_handled<B: Bus>() {
    let (handler, mut calls) = ScriptedHandler::new(|_| Reply::Done);
    let bus = B::start(handler).await;
    for event in [activated(), deleted()] {
        relay(bus.publisher(), &event).await.unwrap();
    }
    assert_no_more(bus.publisher(), &mut calls).await;
}

pub(crate) async fn a_transient_failure_is_delivered_again<B: Bus>() {
    let (handler, mut calls) =
        ScriptedHandler::new(|n| if n < 3 { Reply::Transient } else { Reply::Done });
    let bus = B::start(handler).await;
    let event = registered();
    relay(bus.publisher(), &event).await.unwrap();
    for _ in 0..4 {
        assert_eq!(next(&mut calls).await.event, event);
    }
    assert_no_more(bus.publisher(), &mut calls).await;
    assert_eq!(bus.set_aside(0).await, 0);
}

pub(crate) async fn a_panic_is_a_transient_failure<B: Bus>() {
    let (handler, mut calls) =
        ScriptedHandler::new(|n| if n == 0 { Reply::Panic } else { Reply::Done });
    let bus = B::start(handler).await;
    let event = registered();
    relay(bus.publisher(), &event).await.unwrap();
    for _ in 0..2 {
        assert_eq!(next(&mut calls).await.event, event);
    }
    assert_no_more(bus.publisher(), &mut calls).await;
}

pub(crate) async fn a_permanent_failure_is_set_aside<B: Bus>() {
    let (handler, mut calls) = ScriptedHandler::new(|n| {
        if n == 0 { Reply::Permanent("no such mailbox") } else { Reply::Done }
    });
    let bus = B::start(handler).await;
    let rejected = usize::from(relay(bus.publisher(), &registered()).await.is_err());
    next(&mut calls).await;
    assert_no_more(bus.publisher(), &mut calls).await;
    eventually_within(DELIVERY_TIMEOUT, "the event among those set aside", async || {
        (bus.set_aside(rejected).await == 1).then_some(())
    })
    .await;
}

pub(crate) async fn a_batch_arrives_whole<B: Bus>() {
    let (handler, mut calls) = ScriptedHandler::new(|_| Reply::Done);
    let bus = B::start(handler).await;
    let events: Vec<Event> =
        (0..300).map(|n| if n % 3 == 0 { activated() } else { registered() }).collect();
    let answers = bus.publisher().publish(&events).await;
    assert_eq!(answers.len(), events.len());
    for answer in answers {
        answer.unwrap();
    }
    let mut missing: HashSet<_> =
        events.iter().filter(|e| e.kind.needs_mail()).map(|e| e.id).collect();
    while !missing.is_empty() {
        assert!(missing.remove(&next(&mut calls).await.event.id), "an event is handled twice");
    }
    assert!(bus.publisher().publish(&[]).await.is_empty());
}

pub(crate) async fn only_so_many_are_handled_at_once<B: Bus + Send + Sync + 'static>() {
    let gate = Arc::new(Semaphore::new(0));
    let (handler, mut calls) = ScriptedHandler::gated(gate.clone());
    let bus = Arc::new(B::start(handler.clone()).await);
    let events: Vec<Event> = (0..20).map(|_| registered()).collect();
    let publishing = tokio::spawn({
        let bus = bus.clone();
        async move { bus.publisher().publish(&events).await }
    });
    for _ in 0..CONCURRENCY {
        next(&mut calls).await;
    }
    bus.wait_until_kept_back(20 - usize::from(CONCURRENCY)).await;
    assert!(calls.is_empty(), "one more is handled at once");
    gate.add_permits(20);
    for _ in CONCURRENCY..20 {
        next(&mut calls).await;
    }
    assert_eq!(handler.most_busy(), usize::from(CONCURRENCY));
    publishing.await.unwrap().into_iter().for_each(|answer| answer.unwrap());
}

/// Runs the contract on an implementation of [`Bus`].
macro_rules! contract_tests {
    ($bus:ty) => {
        $crate::contract::contract_tests!($bus:
            events_arrive_as_they_were_published,
            an_event_without_mail_is_taken_and_not_handled,
            a_transient_failure_is_delivered_again,
            a_panic_is_a_transient_failure,
            a_permanent_failure_is_set_aside,
            a_batch_arrives_whole,
        );
    };
    ($bus:ty: $($test:ident,)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            $crate::contract::$test::<$bus>().await;
        })*
    };
}
pub(crate) use contract_tests;
