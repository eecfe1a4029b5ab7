//! The bus within one process.

use std::sync::Arc;

use adapters::in_process::InProcessEventBus;
use async_trait::async_trait;
use domain::ports::{EventHandler, EventPublisher};
use tokio::sync::Semaphore;

use crate::contract::{Bus, CONCURRENCY, contract_tests};
use crate::handler::{ScriptedHandler, assert_quiet, next, registered};

#[async_trait]
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
}

contract_tests!(InProcessEventBus);

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
        // Time is paused: it passes when nobody has anything else to do.
        assert_quiet(&mut calls).await;
        gate.add_permits(2);
        assert_eq!(next(&mut calls).await.event, events[0]);
    });
    assert_eq!(handler.most_busy(), 1);
}
