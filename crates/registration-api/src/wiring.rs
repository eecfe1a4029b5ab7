//! Which adapters the distributed API is made of: the one place, with `main`, that names them.

pub(crate) mod doctor;

use std::net::TcpListener;
use std::sync::Arc;

use adapters::hand_over::HandOver;
use adapters::in_process::{InProcessBudget, InProcessRateLimiter};
use adapters::postgres::{
    self, Database, PostgresDeadLetters, PostgresOutbox, PostgresOutboxMonitor,
    PostgresSuppressions, PostgresUserRepository,
};
use adapters::rabbitmq::{RabbitmqPublisher, RabbitmqQueues};
use adapters::redis::{RedisBudget, RedisCodeStore, RedisRateLimiter};
use adapters::system_ids::SystemIds;
use adapters::webhook::WebhookPublisher;
use domain::ports::{
    BreachedPasswords, CodeStore, EventPublisher, RegistrationHook, UserRepository,
};
use process::dead_letters::DeadLetterCommand;
use process::health::{Health, HealthCheck};
use process::metrics::{self, Collector};
use process::outbox::OutboxCommand;
use process::suppressions::SuppressionCommand;
use process::users::{UserCommand, UserStores};
use process::{Build, Service, StartError};
use registration_api::api::{Api, ProductApi};
use registration_api::http::{AppState, Ports, ProductPorts, ProductState};
use registration_api::limits::Counters;
use registration_api::metrics::{METRICS, measure, measure_webhook, observe_hash};
use registration_api::outbox_relay::OutboxRelay;
use registration_api::settings::{self as api_settings, SignupPageDefault};
use settings::{Settings, SettingsError};

/// Brings the schema up to date.
pub(crate) async fn migrate(settings: &Settings) -> Result<(), StartError> {
    process::begin_command(settings)?;
    let options = settings.postgres.options()?;
    let applied = postgres::migrate(&options).await.map_err(StartError::failed)?;
    tracing::info!(event = "schema.migrated", applied, "the database schema is up to date");
    Ok(())
}

/// Looks after the rows of the outbox that were set aside. A replay is found by the API's next
/// look.
pub(crate) async fn run_dead_letters(
    settings: &Settings,
    command: DeadLetterCommand,
) -> Result<(), StartError> {
    process::begin_command(settings)?;
    let letters = PostgresDeadLetters::new(database(settings)?);
    command.run(&letters).await
}

/// Looks into the outbox.
pub(crate) async fn run_outbox(
    settings: &Settings,
    command: OutboxCommand,
) -> Result<(), StartError> {
    process::begin_command(settings)?;
    let database = database(settings)?;
    let webhook = PostgresOutboxMonitor::of_webhook(database.clone());
    command.run(&PostgresOutboxMonitor::new(database), &webhook).await
}

/// Looks after accounts. The API's next look at the outbox finds the events.
pub(crate) async fn run_users(settings: &Settings, command: UserCommand) -> Result<(), StartError> {
    process::begin_command(settings)?;
    let database = database(settings)?;
    let hand_over = HandOver::to_nobody_of(settings.webhooks.event_types()?);
    let users = Arc::new(PostgresUserRepository::new(database.clone(), hand_over));
    let stores = UserStores {
        accounts: users.clone(),
        users,
        suppressions: Arc::new(PostgresSuppressions::new(database)),
        ids: Arc::new(SystemIds),
    };
    command.run(&stores).await
}

/// Keeps mails from addresses.
pub(crate) async fn run_suppressions(
    settings: &Settings,
    command: SuppressionCommand,
) -> Result<(), StartError> {
    process::begin_command(settings)?;
    command.run(&PostgresSuppressions::new(database(settings)?)).await
}

/// Runs the API until it is asked to stop.
pub(crate) async fn serve(settings: &Settings, build: &Build) -> Result<(), StartError> {
    let tables = [METRICS, metrics::POOL, metrics::QUEUES];
    let mut service = Service::begin("registration-api", build, settings, &tables)?;
    let traces = settings.telemetry.start_traces("registration-api", build.version)?;
    let (api, health, collector) = wire(settings, &service)?;
    service.serve_operator(settings, health, collector)?;
    api.run(service.shutdown.clone()).await.map_err(StartError::failed)?;
    traces.end().await;
    service.end().await;
    Ok(())
}

fn database(settings: &Settings) -> Result<Database, SettingsError> {
    Ok(Database::new(&settings.postgres.options()?)?)
}

fn wire(settings: &Settings, service: &Service) -> Result<(Api, Health, Collector), StartError> {
    let database = database(settings)?;
    let redis = settings.redis.connect()?;
    let prefix = &settings.redis.key_prefix;
    let publisher = RabbitmqPublisher::new(&settings.rabbitmq.options()?, settings.events.naming())
        .map_err(SettingsError::from)?;
    let publisher: Arc<dyn EventPublisher> = Arc::new(publisher);
    let webhook_types = settings.webhooks.event_types()?;
    let (hand_over, webhook_hand_over) =
        HandOver::with_webhook(settings.outbox.lease, webhook_types);
    let accounts = Arc::new(PostgresUserRepository::new(database.clone(), hand_over.clone()));
    let users: Arc<dyn UserRepository> = accounts.clone();
    let codes: Arc<dyn CodeStore> = Arc::new(RedisCodeStore::new(redis.clone(), prefix));
    // Only PostgreSQL takes the API out of service: without the others registrations are still
    // accepted.
    let webhook = webhook(settings, &users)?;
    let mut checks = vec![
        HealthCheck::required("postgres", &users, |users| users.ping()),
        HealthCheck::optional("redis", &codes, |codes| codes.ping()),
        HealthCheck::optional("rabbitmq", &publisher, |publisher| publisher.ping()),
    ];
    checks.extend(
        webhook
            .iter()
            .map(|webhook| HealthCheck::optional("webhook", webhook, |publisher| publisher.ping())),
    );
    let health = Health::new(checks, service.shutdown.clone());
    let hasher = Arc::new(settings.hashing.start_pool(observe_hash)?);
    let monitor = Arc::new(PostgresOutboxMonitor::new(database.clone()));
    let waiting_hashes = Arc::clone(&hasher);
    let collector = measure(Collector::new(), monitor, move || waiting_hashes.waiting());
    let webhook_monitor = Arc::new(PostgresOutboxMonitor::of_webhook(database.clone()));
    let collector = measure_webhook(collector, webhook_monitor);
    let collector = measure_servers(collector, database.clone(), settings)?;
    let product_ports = ProductPorts { accounts, hasher: Arc::new(hasher.of_product()) };
    let ports = Ports {
        users: users.clone(),
        codes,
        budget: Arc::new(RedisBudget::new(redis.clone(), prefix)),
        hasher,
        limiter: Arc::new(RedisRateLimiter::new(redis, prefix)),
        fallback: Some(Counters {
            limiter: Arc::new(InProcessRateLimiter::new()),
            budget: Arc::new(InProcessBudget::new()),
        }),
        breached: breached_passwords(settings)?,
        hook: registration_hook(settings)?,
        ids: Arc::new(SystemIds),
    };
    let options = api_settings::options(settings, SignupPageDefault::Off)?;
    let outbox = Arc::new(PostgresOutbox::new(database.clone(), hand_over));
    let webhook_relay = webhook.map(|publisher| {
        let outbox = PostgresOutbox::of_webhook(database, webhook_hand_over);
        let options = api_settings::webhook_relay_options(settings);
        OutboxRelay::new(Arc::new(outbox), publisher, options)
    });
    let listener = listen(settings)?;
    let state = AppState::new(ports, options, health.clone());
    let product = product(settings, &state, product_ports)?;
    let api = Api {
        listener,
        state,
        product,
        server: api_settings::server_options(settings, service.descriptors),
        relay: OutboxRelay::new(outbox, publisher, api_settings::relay_options(settings)),
        webhook_relay,
        users,
        purge: api_settings::purge_options(settings),
    };
    Ok((api, health, collector))
}

/// Tells the product, if the settings say where it is.
fn webhook(
    settings: &Settings,
    users: &Arc<dyn UserRepository>,
) -> Result<Option<Arc<dyn EventPublisher>>, SettingsError> {
    let Some(options) = settings.webhooks.options(&settings.events)? else { return Ok(None) };
    let users = settings.webhooks.include_email.then(|| users.clone());
    Ok(Some(Arc::new(WebhookPublisher::new(options, users)?)))
}

/// Adds what only PostgreSQL's pool and RabbitMQ can tell.
fn measure_servers(
    collector: Collector,
    database: Database,
    settings: &Settings,
) -> Result<Collector, SettingsError> {
    let queues = Arc::new(RabbitmqQueues::new(&settings.rabbitmq.options()?)?);
    let collector = collector.read(metrics::pool_gauges(), move || {
        let pool = database.pool_use();
        [pool.used, pool.idle, pool.pending, pool.max]
    });
    Ok(collector.measure("queues", metrics::queue_gauges(), move || {
        let queues = queues.clone();
        async move {
            let depths = queues.depths().await?;
            Ok([depths.work, depths.retry, depths.dead].map(metrics::as_gauge))
        }
    }))
}

fn breached_passwords(
    settings: &Settings,
) -> Result<Option<Arc<dyn BreachedPasswords>>, SettingsError> {
    let client = settings.password.breached_passwords()?;
    Ok(client.map(|client| Arc::new(client) as Arc<dyn BreachedPasswords>))
}

fn registration_hook(
    settings: &Settings,
) -> Result<Option<Arc<dyn RegistrationHook>>, SettingsError> {
    let hook = settings.registration.hook()?;
    Ok(hook.map(|hook| Arc::new(hook) as Arc<dyn RegistrationHook>))
}

/// The product's listener, where it is on.
fn product(
    settings: &Settings,
    state: &AppState,
    ports: ProductPorts,
) -> Result<Option<ProductApi>, StartError> {
    let Some(address) = settings.product.listen.address(None) else { return Ok(None) };
    let token = api_settings::product_token(settings)?;
    let advice = "set product.listen (REGISTRATION__PRODUCT__LISTEN) to another port or to off";
    let listener = TcpListener::bind(address).map_err(|source| StartError::Listen {
        address,
        source,
        advice,
    })?;
    Ok(Some(ProductApi { listener, state: ProductState::new(state, ports, token) }))
}

fn listen(settings: &Settings) -> Result<TcpListener, StartError> {
    let address = settings.http.listen;
    let advice = "set http.listen (REGISTRATION__HTTP__LISTEN) to another address";
    TcpListener::bind(address).map_err(|source| StartError::Listen { address, source, advice })
}
