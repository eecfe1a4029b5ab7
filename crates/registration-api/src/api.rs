//! All that the API does between its start and its end, whichever adapters it is wired to.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::web::Data;
use domain::ports::UserRepository;
use tokio_util::sync::CancellationToken;

use crate::http::{AppState, ServerOptions, server};
use crate::outbox_relay::OutboxRelay;
use crate::purge::{PurgeOptions, purge_regularly};

/// The parts that run together.
pub struct Api {
    /// Where the API listens.
    pub listener: TcpListener,
    /// What it serves.
    pub state: AppState,
    /// What bounds it.
    pub server: ServerOptions,
    /// What empties the outbox.
    pub relay: OutboxRelay,
    /// Where unverified registrations are purged.
    pub users: Arc<dyn UserRepository>,
    /// When they are.
    pub purge: PurgeOptions,
}

impl Api {
    /// Runs until `shutdown` is cancelled; then answers what has been asked, and only then drains the relay, so that
    /// what was registered last is on its way too.
    pub async fn run(self, shutdown: CancellationToken) -> std::io::Result<()> {
        let address = self.listener.local_addr()?;
        let server = server(self.listener, Data::new(self.state), self.server)?;
        let handle = server.handle();
        let answered = CancellationToken::new();
        let relay = tokio::spawn(self.relay.run(answered.clone()));
        let purge = tokio::spawn(purge_regularly(self.users, self.purge, shutdown.clone()));
        tokio::spawn({
            let shutdown = shutdown.clone();
            async move {
                shutdown.cancelled().await;
                handle.stop(true).await;
            }
        });
        tracing::info!(event = "listening", %address, "the API is listening");
        let outcome = server.await;
        // Also when the server has failed by itself, nothing goes on behind it.
        shutdown.cancel();
        answered.cancel();
        let (relayed, purged) = tokio::join!(relay, purge);
        outcome.and(relayed.map_err(std::io::Error::other)).and(purged.map_err(std::io::Error::other))
    }
}
