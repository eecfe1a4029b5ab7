//! Background tasks of the API that panic are started again.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::EventId;
use domain::ports::{Outbox, OutboxEntry, OutboxError};
use process::health::Health;
use registration_api::api::Api;
use registration_api::http::AppState;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::support::{World, busy_purge, options, relay_of, server_options};
use test_support::soon;

/// An outbox without events whose first claims panic.
#[derive(Default)]
struct PanickingOutbox {
    panics: AtomicU32,
    claimed: Notify,
}

#[async_trait]
impl Outbox for PanickingOutbox {
    async fn count_unknown(&self) -> Result<u64, OutboxError> {
        Ok(0)
    }

    async fn claim(&self, _: u32, _: Duration) -> Result<Vec<OutboxEntry>, OutboxError> {
        let panics = self
            .panics
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        assert!(panics.is_err(), "a claim panics");
        self.claimed.notify_one();
        Ok(Vec::new())
    }

    async fn delete(&self, _: &[EventId]) -> Result<(), OutboxError> {
        Ok(())
    }

    async fn defer(&self, _: EventId, _: Duration) -> Result<(), OutboxError> {
        Ok(())
    }

    async fn bury(&self, _: EventId, _: &str) -> Result<(), OutboxError> {
        Ok(())
    }
}

fn api(world: &World, outbox: Arc<PanickingOutbox>) -> Api {
    Api {
        listener: TcpListener::bind("127.0.0.1:0").unwrap(),
        state: AppState::new(
            world.ports(),
            options(),
            Health::new(Vec::new(), CancellationToken::new()),
        ),
        server: server_options(),
        product: None,
        relay: relay_of(outbox),
        webhook_relay: None,
        users: world.users.clone(),
        purge: busy_purge(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_and_a_purge_that_panic_are_started_again_and_drain_at_shutdown() {
    let world = World::default();
    let outbox = Arc::new(PanickingOutbox::default());
    outbox.panics.store(2, Ordering::Relaxed);
    world.users.purge_panics.store(2, Ordering::Relaxed);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(api(&world, outbox.clone()).run(shutdown.clone()));
    soon("the next claim", outbox.claimed.notified()).await;
    soon("the next purge", world.users.purged.notified()).await;
    shutdown.cancel();
    soon("the end of the API", running).await.unwrap().unwrap();
}
