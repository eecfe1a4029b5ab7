//! Which adapters the worker is made of: the one place, with `main`, that names them.

pub(crate) mod doctor;

use std::future::ready;
use std::sync::Arc;

use adapters::hand_over::HandOver;
use adapters::postgres::{Database, PostgresSuppressions, PostgresUserRepository};
use adapters::rabbitmq::{RabbitmqConsumer, RabbitmqDeadLetters, RabbitmqQueues};
use adapters::redis::RedisCodeStore;
use adapters::system_ids::SystemIds;
use domain::ports::{CodeStore, Mailer, UserRepository};
use email_worker::metrics::{BROKER_METRICS, METRICS, handed_back};
use email_worker::{DeliverCode, WatchedMailer, settings as worker_settings};
use futures::FutureExt;
use process::dead_letters::DeadLetterCommand;
use process::health::{Health, HealthCheck};
use process::metrics::{self, Collector};
use process::{Build, Service, StartError};
use settings::{Settings, SettingsError};

/// Mails codes until the process is asked to stop.
pub(crate) async fn serve(settings: &Settings, build: &Build) -> Result<(), StartError> {
    let tables = [METRICS, BROKER_METRICS, metrics::POOL, metrics::QUEUES];
    let mut service = Service::begin("email-worker", build, settings, &tables)?;
    let traces = settings.telemetry.start_traces("email-worker", build.version)?;
    let consumer =
        RabbitmqConsumer::new(&settings.rabbitmq.options()?).map_err(SettingsError::from)?;
    let consumer = Arc::new(consumer);
    let database = Database::new(&settings.postgres.options()?).map_err(SettingsError::from)?;
    let collector = collector(settings, &consumer, database.clone())?;
    let (handler, health) = wire(settings, database, &consumer, &service)?;
    service.serve_operator(settings, health, collector)?;
    let shutdown = service.shutdown.clone();
    let consuming = consumer.start(Arc::new(handler), move || shutdown.clone().cancelled_owned());
    consuming.await.map_err(StartError::failed)?;
    traces.end().await;
    service.end().await;
    Ok(())
}

/// Looks after the dead-letter queue.
pub(crate) async fn run_dead_letters(
    settings: &Settings,
    command: DeadLetterCommand,
) -> Result<(), StartError> {
    process::begin_command(settings)?;
    let letters =
        RabbitmqDeadLetters::new(&settings.rabbitmq.options()?).map_err(SettingsError::from)?;
    command.run(&letters).await
}

/// What is measured of the worker at each scrape.
fn collector(
    settings: &Settings,
    consumer: &Arc<RabbitmqConsumer>,
    database: Database,
) -> Result<Collector, SettingsError> {
    let queues = Arc::new(RabbitmqQueues::new(&settings.rabbitmq.options()?)?);
    let consumer = consumer.clone();
    let collector = Collector::new().count(handed_back(), move || consumer.handed_back()).read(
        metrics::pool_gauges(),
        move || {
            let pool = database.pool_use();
            [pool.used, pool.idle, pool.pending, pool.max]
        },
    );
    Ok(collector.measure("queues", metrics::queue_gauges(), move || {
        let queues = queues.clone();
        async move {
            let depths = queues.depths().await?;
            Ok([depths.work, depths.retry, depths.dead].map(metrics::as_gauge))
        }
    }))
}

fn wire(
    settings: &Settings,
    database: Database,
    consumer: &Arc<RabbitmqConsumer>,
    service: &Service,
) -> Result<(DeliverCode, Health), SettingsError> {
    let users: Arc<dyn UserRepository> =
        Arc::new(PostgresUserRepository::new(database.clone(), HandOver::to_nobody()));
    let suppressions = Arc::new(PostgresSuppressions::new(database));
    let redis = settings.redis.connect()?;
    let codes: Arc<dyn CodeStore> =
        Arc::new(RedisCodeStore::new(redis, &settings.redis.key_prefix));
    let mailer = Arc::new(settings.mailer(settings.smtp.server()?)?);
    let mailer: Arc<dyn Mailer> = Arc::new(WatchedMailer::new(mailer));
    // It waits for what is away and goes on; but without users and their schema there is nobody to
    // mail to.
    let checks = vec![
        HealthCheck::required("postgres", &users, |users| users.ping()),
        HealthCheck::optional("redis", &codes, |codes| codes.ping()),
        HealthCheck::optional("rabbitmq", consumer, |consumer| ready(consumer.ping()).boxed()),
        HealthCheck::optional("smtp", &mailer, |mailer| mailer.ping()),
    ];
    let health = Health::new(checks, service.shutdown.clone());
    Ok((
        worker_settings::deliver_code(
            settings,
            users,
            codes,
            suppressions,
            mailer,
            Arc::new(SystemIds),
        )?,
        health,
    ))
}
