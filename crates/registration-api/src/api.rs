//! Runs the API from its start to its shutdown, whichever adapters it is wired to.

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
    /// The application that it serves.
    pub state: AppState,
    /// Limits of the server.
    pub server: ServerOptions,
    /// Empties the outbox.
    pub relay: OutboxRelay,
    /// The store from which unverified registrations are purged.
    pub users: Arc<dyn UserRepository>,
    /// When they are purged.
    pub purge: PurgeOptions,
}

impl Api {
    /// Runs until `shutdown` is cancelled; then completes open requests, and only then drains the
    /// relay, so that the events of the last registrations are delivered too.
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
        tracing::info!(event = "api.listening", %address, "the API is listening");
        let outcome = server.await;
        // If the server itself has failed, the background tasks must stop too.
        shutdown.cancel();
        answered.cancel();
        let (relayed, purged) = tokio::join!(relay, purge);
        outcome.and(relayed.map_err(std::io::Error::other)).and(purged.map_err(std::io::Error::other))
    }
}
