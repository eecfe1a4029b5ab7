//! Which adapters the worker is made of: the one place, with `main`, that names them.

use std::future::ready;
use std::sync::Arc;

use adapters::hand_over::HandOver;
use adapters::postgres::{Database, PostgresUserRepository};
use adapters::rabbitmq::{RabbitmqConsumer, RabbitmqDeadLetters};
use adapters::redis::RedisCodeStore;
use adapters::system_ids::SystemIds;
use domain::ports::{CodeStore, Mailer, UserRepository};
use email_worker::{DeliverCode, WatchedMailer, describe_metrics, settings as worker_settings};
use futures::FutureExt;
use process::dead_letters::DeadLetterCommand;
use process::health::{Health, HealthCheck};
use process::{Service, StartError};
use settings::{Settings, SettingsError};
use supervisor::supervise;

/// Mails codes until the process is asked to stop.
pub(crate) async fn serve(settings: &Settings) -> Result<(), StartError> {
    let mut service = Service::begin(settings)?;
    describe_metrics();
    let consumer =
        RabbitmqConsumer::new(&settings.rabbitmq.options()?).map_err(SettingsError::from)?;
    let consumer = Arc::new(consumer);
    let (handler, health) = wire(settings, &consumer, &service)?;
    service.serve_operator(settings, health)?;
    let (handler, shutdown) = (Arc::new(handler), service.shutdown.clone());
    let consuming = supervise("consumer", move || {
        let (consumer, handler, shutdown) = (consumer.clone(), handler.clone(), shutdown.clone());
        async move { consumer.run(handler, shutdown.cancelled_owned()).await }
    });
    consuming.await.map_err(StartError::failed)?;
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

fn wire(
    settings: &Settings,
    consumer: &Arc<RabbitmqConsumer>,
    service: &Service,
) -> Result<(DeliverCode, Health), SettingsError> {
    let database = Database::new(&settings.postgres.options()?)?;
    let users: Arc<dyn UserRepository> =
        Arc::new(PostgresUserRepository::new(database, HandOver::to_nobody()));
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
        worker_settings::deliver_code(settings, users, codes, mailer, Arc::new(SystemIds))?,
        health,
    ))
}
