//! Which adapters the worker is made of: the one place, with `main`, that names them.

use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;

use adapters::postgres::{Database, PostgresUserRepository};
use adapters::rabbitmq::{RabbitmqConsumer, RabbitmqDeadLetters};
use adapters::redis::RedisCodeStore;
use adapters::system_ids::SystemIds;
use domain::ErrorChain;
use domain::ports::{CodeStore, DeadLetterError, Mailer, UserRepository};
use email_worker::{DeliverCode, describe_metrics, settings as worker_settings};
use futures::FutureExt;
use process::dead_letters::DeadLetterCommand;
use process::health::{Health, HealthCheck};
use process::{operator, shutdown, telemetry};
use settings::connections::{self, MailServer};
use settings::{Settings, SettingsError};
use tokio::sync::Notify;

/// Why the process ended: one sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("setting postgres.url (REGISTRATION__POSTGRES__URL) cannot be used: {0}")]
    Postgres(#[from] adapters::postgres::PostgresOptionsError),
    #[error("setting rabbitmq (REGISTRATION__RABBITMQ__*) cannot be used: {0}")]
    Rabbitmq(#[from] adapters::rabbitmq::RabbitmqOptionsError),
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    #[error("cannot start: {0}")]
    Runtime(#[source] std::io::Error),
    #[error("setting metrics.listen (REGISTRATION__METRICS__LISTEN) is off, so there is nobody to ask")]
    NoHealthListener,
    #[error("{}", ErrorChain(.0))]
    DeadLetters(#[from] DeadLetterError),
}

/// Mails codes until the process is asked to stop.
pub(crate) async fn serve(settings: Settings) -> Result<(), StartError> {
    telemetry::init_logs(&settings.log)?;
    let metrics = telemetry::init_metrics()?;
    describe_metrics();
    process::install_crypto();
    let shutdown = shutdown::on_signal().map_err(StartError::Runtime)?;
    let consumer = Arc::new(RabbitmqConsumer::new(&connections::rabbitmq(&settings.rabbitmq)?)?);
    let (handler, health) = wire(&settings, &consumer)?;
    if let Some(address) = settings.metrics.listen()? {
        operator::start(address, metrics, health, shutdown.clone())
            .map_err(|error| StartError::Listen(address, error))?;
    }
    consumer.run(Arc::new(handler), shutdown.cancelled_owned()).await;
    Ok(())
}

/// Looks after the dead-letter queue.
pub(crate) async fn dead_letters(settings: Settings, command: DeadLetterCommand) -> Result<(), StartError> {
    telemetry::init_logs(&settings.log)?;
    process::install_crypto();
    let letters = RabbitmqDeadLetters::new(&connections::rabbitmq(&settings.rabbitmq)?)?;
    Ok(command.run(&letters).await?)
}

fn wire(settings: &Settings, consumer: &Arc<RabbitmqConsumer>) -> Result<(DeliverCode, Health), StartError> {
    let database = Database::new(&connections::postgres(&settings.postgres)?)?;
    // The worker records no events, so there is no relay to wake.
    let users: Arc<dyn UserRepository> =
        Arc::new(PostgresUserRepository::new(database, Arc::new(Notify::new())));
    let redis = connections::redis(&settings.redis)?;
    let codes: Arc<dyn CodeStore> = Arc::new(RedisCodeStore::new(redis, &settings.redis.key_prefix));
    let mailer: Arc<dyn Mailer> = Arc::new(connections::mailer(settings, MailServer::of(&settings.smtp)?)?);
    // Nothing of it takes the worker out of service: it waits for what is away and goes on.
    let health = Health::new(vec![
        HealthCheck::optional("postgres", &users, |users| users.ping()),
        HealthCheck::optional("redis", &codes, |codes| codes.ping()),
        HealthCheck::optional("rabbitmq", consumer, |consumer| ready(consumer.ping()).boxed()),
        HealthCheck::optional("smtp", &mailer, |mailer| mailer.ping()),
    ]);
    Ok((worker_settings::deliver_code(settings, users, codes, mailer, Arc::new(SystemIds))?, health))
}
