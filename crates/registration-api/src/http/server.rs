//! The HTTP server, with its timeouts and its limits on connections and memory.
//!
//! When a client disconnects, its request ends: half-closed connections are not served, so the
//! handler's future is dropped and a password that is still queued is never hashed.

use std::future::ready;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_http::HttpService;
use actix_http::error::DispatchError;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{
    AppConfig, Extensions, Server, ServiceFactory, ServiceRequest, ServiceResponse, fn_service,
};
use actix_web::middleware::{Condition, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::web::Data;
use actix_web::{App, Error};

use super::connections::{Connection, RequestMemory, mark_activity};
use super::cors::cors;
use super::endpoints::OpenApiDocument;
use super::host::require_valid_host;
use super::openapi::{self, DocumentOptions};
use super::problem_writer::write_problem;
use super::rate_limit_fields::add_rate_limit_fields;
use super::request_log::log_request;
use super::routes::routes;
use super::security_headers::security_headers;
use super::state::AppState;

/// The limits of the server.
#[derive(Debug, Clone, Copy)]
pub struct ServerOptions {
    /// Number of threads that serve requests.
    pub workers: usize,
    /// Maximum number of open connections in total; more wait in the backlog of the operating
    /// system.
    pub max_connections: usize,
    /// How many bytes requests may take, over all connections, until they are answered. Beyond
    /// that, connections with long requests are closed.
    pub request_memory: usize,
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

/// The server of the API on a bound listener. It runs while it is polled, ignores signals, and is
/// stopped through its handle.
pub fn server(
    listener: TcpListener,
    state: Data<AppState>,
    options: ServerOptions,
) -> std::io::Result<Server> {
    let document = openapi::document(&DocumentOptions {
        password_length: state.options.password_length,
        code_length: state.options.code_length,
        previous_code_lengths: &state.options.previous_code_lengths,
        has_challenge: state.options.proof_of_work.is_some(),
        public_url: &state.options.public_url,
    });
    let (context, document) = (Data::new(state.context()), Data::new(OpenApiDocument(document)));
    serve("registration-api", listener, options, move || {
        let origins = &state.options.allowed_origins;
        let cors = Condition::new(!origins.is_empty(), cors(origins));
        let app = App::new()
            .app_data(state.clone())
            .app_data(context.clone())
            .app_data(document.clone())
            .configure(routes)
            .wrap(from_fn(add_rate_limit_fields))
            .wrap(cors);
        with_common_layers(app)
    })
}

/// A server of any application.
pub(crate) fn serve<A, T, B>(
    name: &'static str,
    listener: TcpListener,
    options: ServerOptions,
    app: A,
) -> std::io::Result<Server>
where
    A: Fn() -> App<T> + Clone + Send + 'static,
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    T::Future: 'static,
    B: MessageBody + 'static,
{
    let workers = options.workers.max(1);
    // One per worker, one that accepts; the library panics where it may not have them.
    process::try_threads(workers + 1)?;
    let memory = RequestMemory::new(options.request_memory);
    let builder = Server::build();
    let stopping = builder.graceful_shutdown_signal();
    let server = builder
        .workers(workers)
        .max_concurrent_connections(options.max_connections.div_ceil(workers).max(1))
        // In whole seconds only; who runs the server stops waiting when the time is over.
        .shutdown_timeout(options.shutdown_timeout.as_secs() + 1)
        .disable_signals()
        .listen(name, listener, move || {
            let stopping = stopping.clone();
            let app = app().into_factory().map_err(|error: Error| error.error_response());
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .keep_alive(options.keep_alive)
                .client_request_timeout(options.client_request_timeout)
                .client_disconnect_timeout(options.client_disconnect_timeout)
                .h1_allow_half_closed(false)
                .on_connect_ext(|connection: &Connection, extensions: &mut Extensions| {
                    extensions.insert(connection.activity());
                })
                .h1(map_config(app, |()| AppConfig::default()));
            accept(options.keep_alive + options.client_request_timeout, memory.clone())
                .and_then(http)
        })?;
    Ok(server.run())
}

/// Puts around an application what every listener has: problem documents, security headers, the log
/// of requests, and limits on hosts and connections.
pub(crate) fn with_common_layers<T, B>(
    app: App<T>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
>
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    app.wrap(from_fn(require_valid_host))
        .wrap(from_fn(write_problem))
        .wrap(security_headers())
        .wrap(from_fn(log_request))
        .wrap(from_fn(mark_activity))
}

/// Puts a socket into a [`Connection`].
fn accept(
    idle_timeout: Duration,
    memory: Arc<RequestMemory>,
) -> impl ServiceFactory<
    TcpStream,
    Config = (),
    Response = (Connection, Option<SocketAddr>),
    Error = DispatchError,
    InitError = (),
> {
    fn_service(move |stream: TcpStream| {
        let client = stream.peer_addr().ok();
        ready(Ok((Connection::new(stream, idle_timeout, memory.clone()), client)))
    })
}
