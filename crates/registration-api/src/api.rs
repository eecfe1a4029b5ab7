//! Runs the API from its start to its shutdown, whichever adapters it is wired to.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::web::Data;
use domain::ports::UserRepository;
use futures::future::OptionFuture;
use supervisor::supervise;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::http::{AppState, ProductState, ServerOptions, product_server, server};
use crate::outbox_relay::OutboxRelay;
use crate::purge::{PurgeOptions, purge_regularly};
use crate::settings::product_server_options;

/// The parts that run together.
pub struct Api {
    /// Where the API listens.
    pub listener: TcpListener,
    /// The application that it serves.
    pub state: AppState,
    /// Limits of the server.
    pub server: ServerOptions,
    /// What the product behind may ask, unless that is off.
    pub product: Option<ProductApi>,
    /// Empties the outbox.
    pub relay: OutboxRelay,
    /// Empties the events for the webhook, if there is one.
    pub webhook_relay: Option<OutboxRelay>,
    /// The store from which unverified registrations are purged.
    pub users: Arc<dyn UserRepository>,
    /// When they are purged.
    pub purge: PurgeOptions,
}

/// The product's listener.
pub struct ProductApi {
    /// Where it listens.
    pub listener: TcpListener,
    /// The operations that it serves.
    pub state: ProductState,
}

impl Api {
    /// Runs until `shutdown` is cancelled, and the delay longer; then completes open requests, and
    /// only then drains the relay, so that the events of the last registrations are delivered too.
    pub async fn run(self, shutdown: CancellationToken) -> std::io::Result<()> {
        let address = self.listener.local_addr()?;
        let server = server(self.listener, Data::new(self.state), self.server)?;
        let product =
            self.product.map(|product| start_product(product, self.server)).transpose()?;
        let answered = CancellationToken::new();
        let relay = supervise_relay("outbox-relay", self.relay, answered.clone());
        let webhook_relay = self.webhook_relay;
        let webhook_relay =
            webhook_relay.map(|relay| supervise_relay("webhook-relay", relay, answered.clone()));
        let purge = supervise_purge(self.users, self.purge, shutdown.clone());
        tracing::info!(event = "api.listening", %address, "the API is listening");
        let (outcome, of_product) = tokio::join!(
            serve_to_the_end(Some(server), self.server, &shutdown),
            serve_to_the_end(product, self.server, &shutdown),
        );
        let outcome = outcome.and(of_product);
        answered.cancel();
        // Each drains beside the other, so that a receiver that hangs delays nobody.
        let webhook_relay = OptionFuture::from(webhook_relay);
        let (relayed, webhooks_relayed, purged) = tokio::join!(relay, webhook_relay, purge);
        outcome
            .and(relayed.map_err(std::io::Error::other))
            .and(webhooks_relayed.unwrap_or(Ok(())).map_err(std::io::Error::other))
            .and(purged.map_err(std::io::Error::other))
    }
}

fn start_product(product: ProductApi, api: ServerOptions) -> std::io::Result<Server> {
    let address = product.listener.local_addr()?;
    let options = product_server_options(api);
    let server = product_server(product.listener, Data::new(product.state), options)?;
    tracing::info!(event = "product.listening", %address, "the product's listener is listening");
    Ok(server)
}

/// Serves until the shutdown. If a server itself has failed, everything else must stop too.
async fn serve_to_the_end(
    server: Option<Server>,
    options: ServerOptions,
    shutdown: &CancellationToken,
) -> std::io::Result<()> {
    let Some(server) = server else { return Ok(()) };
    let outcome = serve(server, options, shutdown).await;
    shutdown.cancel();
    outcome
}

async fn serve(
    server: Server,
    options: ServerOptions,
    shutdown: &CancellationToken,
) -> std::io::Result<()> {
    let handle = server.handle();
    tokio::pin!(server);
    let asked_to_stop = async {
        shutdown.cancelled().await;
        tokio::time::sleep(options.shutdown_delay).await;
    };
    tokio::select! {
        outcome = &mut server => return outcome,
        () = asked_to_stop => {}
    }
    let stopped = async { tokio::join!(handle.stop(true), server).1 };
    tokio::time::timeout(options.shutdown_timeout, stopped).await.unwrap_or_else(|_| {
        tracing::warn!(
            event = "http.drain_timed_out",
            "requests are cut off that did not end in time"
        );
        Ok(())
    })
}

fn supervise_relay(
    name: &'static str,
    relay: OutboxRelay,
    shutdown: CancellationToken,
) -> JoinHandle<()> {
    let relay = Arc::new(relay);
    supervise(name, move || {
        let (relay, shutdown) = (relay.clone(), shutdown.clone());
        async move { relay.run(shutdown).await }
    })
}

fn supervise_purge(
    users: Arc<dyn UserRepository>,
    options: PurgeOptions,
    shutdown: CancellationToken,
) -> JoinHandle<()> {
    supervise("purge", move || purge_regularly(users.clone(), options, shutdown.clone()))
}
