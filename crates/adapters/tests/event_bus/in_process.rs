//! The bus within one process.

use std::sync::Arc;

use adapters::in_process::InProcessEventBus;
use async_trait::async_trait;
use domain::ports::{EventHandler, EventPublisher};

use super::contract::{Bus, CONCURRENCY, contract_tests};

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
