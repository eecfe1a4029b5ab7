//! The HTTP server, with its timeouts and its limit on connections.
//!
//! When a client disconnects, its request ends: half-closed connections are not served, so the
//! handler's future is dropped and a password that is still queued is never hashed.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::Data;
use actix_web::{App, HttpServer};

use super::cors::cors;
use super::endpoints::OpenApiDocument;
use super::host::require_valid_host;
use super::openapi;
use super::rate_limit_fields::add_rate_limit_fields;
use super::request_log::log_request;
use super::routes::routes;
use super::security_headers::security_headers;
use super::stalled_connections::{mark_activity, watch_connection};
use super::state::AppState;

/// The limits of the server.
#[derive(Debug, Clone, Copy)]
pub struct ServerOptions {
    /// Number of threads that serve requests.
    pub workers: usize,
    /// Maximum number of open connections in total; more wait in the backlog of the operating
    /// system.
    pub max_connections: usize,
    /// How long a connection stays open without a request.
    pub keep_alive: Duration,
    /// How long a client may take to send the head of its first request; then 408. For later
    /// requests, the keep-alive time is added.
    pub client_request_timeout: Duration,
    /// How long a client may take to close a connection.
    pub client_disconnect_timeout: Duration,
    /// How long requests are still accepted once the process was asked to stop.
    pub shutdown_delay: Duration,
    /// How long requests may take to finish after that.
    pub shutdown_timeout: Duration,
}

/// A server on a bound listener. It runs while it is polled, ignores signals, and is stopped
/// through its handle.
pub fn server(
    listener: TcpListener,
    state: Data<AppState>,
    options: ServerOptions,
) -> std::io::Result<Server> {
    let workers = options.workers.max(1);
    let document = openapi::document(state.options.password_length, state.options.code_length);
    let document = Data::new(OpenApiDocument(document));
    let app = move || {
        let origins = &state.options.allowed_origins;
        App::new()
            .app_data(state.clone())
            .app_data(document.clone())
            .configure(routes)
            .wrap(from_fn(add_rate_limit_fields))
            .wrap(Condition::new(!origins.is_empty(), cors(origins)))
            .wrap(from_fn(require_valid_host))
            .wrap(security_headers())
            .wrap(from_fn(log_request))
            .wrap(from_fn(mark_activity))
    };
    let request_timeout = options.keep_alive + options.client_request_timeout;
    let server = HttpServer::new(app)
        .workers(workers)
        .max_connections(options.max_connections.div_ceil(workers).max(1))
        .keep_alive(options.keep_alive)
        .on_connect(watch_connection(request_timeout))
        .client_request_timeout(options.client_request_timeout)
        .client_disconnect_timeout(options.client_disconnect_timeout)
        // In whole seconds only; who runs the server stops waiting when the time is over.
        .shutdown_timeout(options.shutdown_timeout.as_secs() + 1)
        .h1_allow_half_closed(false)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}
