//! Which adapters the distributed API is made of: the one place, with `main`, that names them.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use adapters::in_process::InProcessRateLimiter;
use adapters::postgres::{Database, PostgresDeadLetters, PostgresOutbox, PostgresUserRepository};
use adapters::rabbitmq::RabbitmqPublisher;
use adapters::redis::{RedisCodeStore, RedisGuessBudget, RedisRateLimiter};
use adapters::system_ids::SystemIds;
use domain::ErrorChain;
use domain::ports::{CodeStore, DeadLetterError, EventPublisher, UserRepository};
use process::dead_letters::DeadLetterCommand;
use process::health::{Health, HealthCheck};
use process::{operator, shutdown, telemetry};
use registration_api::api::Api;
use registration_api::http::{AppState, Ports};
use registration_api::outbox_relay::OutboxRelay;
use registration_api::{describe_metrics, settings as api_settings};
use settings::connections;
use settings::{Settings, SettingsError};
use tokio::sync::Notify;

/// Why the process ended: one sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("setting postgres.url (REGISTRATION__POSTGRES__URL) cannot be used: {0}")]
    Postgres(#[from] adapters::postgres::PostgresOptionsError),
    #[error("the database schema cannot be brought up to date: {0}")]
    Migration(#[from] adapters::postgres::MigrationError),
    #[error("setting rabbitmq (REGISTRATION__RABBITMQ__*) cannot be used: {0}")]
    Rabbitmq(#[from] adapters::rabbitmq::RabbitmqOptionsError),
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    #[error("cannot start: {0}")]
    Runtime(#[source] std::io::Error),
    #[error("the HTTP server failed: {0}")]
    Server(#[source] std::io::Error),
    #[error("{}", ErrorChain(.0))]
    DeadLetters(#[from] DeadLetterError),
}

/// Brings the schema up to date.
pub(crate) async fn migrate(settings: Settings) -> Result<(), StartError> {
    telemetry::init_logs(&settings.log)?;
    process::install_crypto();
    let applied = adapters::postgres::migrate(&connections::postgres(&settings.postgres)?).await?;
    tracing::info!(applied, "the database schema is up to date");
    Ok(())
}

/// Looks after the rows of the outbox that were set aside. A replay is found by the API's next look.
pub(crate) async fn dead_letters(settings: Settings, command: DeadLetterCommand) -> Result<(), StartError> {
    telemetry::init_logs(&settings.log)?;
    process::install_crypto();
    let database = Database::new(&connections::postgres(&settings.postgres)?)?;
    Ok(command.run(&PostgresDeadLetters::new(database)).await?)
}

/// Runs the API until it is asked to stop.
pub(crate) async fn serve(settings: Settings) -> Result<(), StartError> {
    telemetry::init_logs(&settings.log)?;
    let metrics = telemetry::init_metrics()?;
    describe_metrics();
    process::install_crypto();
    let shutdown = shutdown::on_signal().map_err(StartError::Runtime)?;
    let (api, health) = wire(&settings)?;
    if let Some(address) = settings.metrics.listen()? {
        operator::start(address, metrics, health, shutdown.clone())
            .map_err(|error| StartError::Listen(address, error))?;
    }
    api.run(shutdown).await.map_err(StartError::Server)
}

fn wire(settings: &Settings) -> Result<(Api, Health), StartError> {
    let database = Database::new(&connections::postgres(&settings.postgres)?)?;
    let redis = connections::redis(&settings.redis)?;
    let prefix = &settings.redis.key_prefix;
    let publisher: Arc<dyn EventPublisher> =
        Arc::new(RabbitmqPublisher::new(&connections::rabbitmq(&settings.rabbitmq)?)?);
    let wake = Arc::new(Notify::new());
    let users: Arc<dyn UserRepository> =
        Arc::new(PostgresUserRepository::new(database.clone(), wake.clone()));
    let codes: Arc<dyn CodeStore> = Arc::new(RedisCodeStore::new(redis.clone(), prefix));
    // Only PostgreSQL takes the API out of service: without the others registrations are still accepted.
    let health = Health::new(vec![
        HealthCheck::required("postgres", &users, |users| users.ping()),
        HealthCheck::optional("redis", &codes, |codes| codes.ping()),
        HealthCheck::optional("rabbitmq", &publisher, |publisher| publisher.ping()),
    ]);
    let ports = Ports {
        users: users.clone(),
        codes,
        guesses: Arc::new(RedisGuessBudget::new(redis.clone(), prefix)),
        hasher: Arc::new(connections::hash_pool(&settings.hashing)?),
        limiter: Arc::new(RedisRateLimiter::new(redis, prefix)),
        fallback_limiter: Some(Arc::new(InProcessRateLimiter::new())),
        breached: connections::breached_passwords(&settings.password)?,
        ids: Arc::new(SystemIds),
    };
    let outbox = Arc::new(PostgresOutbox::new(database));
    let api = Api {
        listener: listen(settings.http.listen)?,
        state: AppState::new(ports, api_settings::options(settings)?, health.clone()),
        server: api_settings::server_options(settings),
        relay: OutboxRelay::new(outbox, publisher, wake, api_settings::relay_options(settings)?),
        users,
        purge: api_settings::purge_options(settings)?,
    };
    Ok((api, health))
}

fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).map_err(|error| StartError::Listen(address, error))
}
