//! The bus within one process.

use std::sync::Arc;
use std::time::Duration;

use adapters::in_process::InProcessEventBus;
use async_trait::async_trait;
use domain::ports::{EventHandler, EventPublisher};
use tokio::sync::Semaphore;

use crate::contract::{self, Bus, CONCURRENCY, contract_tests};
use crate::handler::{ScriptedHandler, next, registered};

#[async_trait(?Send)]
impl Bus for InProcessEventBus {
    async fn start(handler: Arc<dyn EventHandler>) -> Self {
        Self::new(handler, CONCURRENCY.into())
    }

    fn publisher(&self) -> &dyn EventPublisher {
        self
    }

    async fn set_aside(&self, rejected: usize) -> usize {
        rejected
    }

    async fn wait_until_kept_back(&self, _: usize) {
        wait_until_idle().await;
    }
}

contract_tests!(InProcessEventBus);

/// Waits until nobody has anything to do, for then only does a paused clock go on by itself.
async fn wait_until_idle() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn only_so_many_are_handled_at_once() {
    contract::only_so_many_are_handled_at_once::<InProcessEventBus>().await;
}

/// The handler goes on when the caller does not wait for it, and counts for as long as it does.
#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_makes_no_room_for_more() {
    let gate = Arc::new(Semaphore::new(0));
    let (handler, mut calls) = ScriptedHandler::gated(gate.clone());
    let bus = InProcessEventBus::new(handler.clone(), 1);
    let abandoned = [registered()];
    let publishing = bus.publish(&abandoned);
    tokio::select! {
        _ = publishing => panic!("the handler waits for the gate"),
        _ = next(&mut calls) => {}
    }
    let events = [registered()];
    let publishing = bus.publish(&events);
    tokio::join!(publishing, async {
        wait_until_idle().await;
        assert!(calls.is_empty(), "the handler is called once more");
        gate.add_permits(2);
        assert_eq!(next(&mut calls).await.event, events[0]);
    });
    assert_eq!(handler.most_busy(), 1);
}
