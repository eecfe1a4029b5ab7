//! Which adapters the worker is made of: the one place, with `main`, that names them.

use std::net::SocketAddr;
use std::sync::Arc;

use adapters::postgres::{Database, PostgresUserRepository};
use adapters::rabbitmq::{RabbitmqConsumer, RabbitmqDeadLetters};
use adapters::redis::RedisCodeStore;
use domain::ports::{CodeStore, DeadLetterError, DeadLetters, Mailer, UserRepository};
use email_worker::{DeliverCode, describe_metrics, settings as worker_settings};
use service::connections::{self, MailServer};
use service::error_chain::ErrorChain;
use service::health::{Health, HealthCheck};
use service::identifiers::SystemIds;
use service::settings::{Settings, SettingsError};
use service::{operator, shutdown, telemetry};
use tokio::sync::Notify;

/// Why the process ended: one sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("setting postgres.url (REGISTRATION__POSTGRES__URL) cannot be used: {0}")]
    Postgres(#[from] adapters::postgres::OptionsError),
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
    service::install_crypto();
    let shutdown = shutdown::on_signal().map_err(StartError::Runtime)?;
    let (handler, health) = wire(&settings)?;
    let consumer = RabbitmqConsumer::new(&connections::rabbitmq(&settings.rabbitmq)?)?;
    if let Some(address) = settings.metrics.listen()? {
        operator::start(address, metrics, health, shutdown.clone())
            .map_err(|error| StartError::Listen(address, error))?;
    }
    consumer.run(Arc::new(handler), shutdown.cancelled_owned()).await;
    Ok(())
}

/// Prints the dead letters, one a line: the reason and the event.
pub(crate) async fn list_dead_letters(settings: Settings, limit: u32) -> Result<(), StartError> {
    let letters = dead_letters(&settings)?.list(limit).await?;
    for letter in &letters {
        println!("{}\t{}", letter.reason, letter.event);
    }
    eprintln!("{} dead letters", letters.len());
    Ok(())
}

/// Sends the dead letters on their way again.
pub(crate) async fn replay_dead_letters(settings: Settings) -> Result<(), StartError> {
    let replayed = dead_letters(&settings)?.replay().await?;
    eprintln!("{replayed} dead letters are on their way again");
    Ok(())
}

fn dead_letters(settings: &Settings) -> Result<RabbitmqDeadLetters, StartError> {
    telemetry::init_logs(&settings.log)?;
    service::install_crypto();
    Ok(RabbitmqDeadLetters::new(&connections::rabbitmq(&settings.rabbitmq)?)?)
}

fn wire(settings: &Settings) -> Result<(DeliverCode, Health), StartError> {
    let database = Database::new(&connections::postgres(&settings.postgres)?)?;
    // The worker records no events, so there is no relay to wake.
    let users: Arc<dyn UserRepository> =
        Arc::new(PostgresUserRepository::new(database, Arc::new(Notify::new())));
    let redis = connections::redis(&settings.redis)?;
    let codes: Arc<dyn CodeStore> = Arc::new(RedisCodeStore::new(redis, &settings.redis.key_prefix));
    let mailer: Arc<dyn Mailer> = Arc::new(connections::mailer(settings, MailServer::of(&settings.smtp)?)?);
    let health = health(&users, &codes, &mailer);
    let handler = DeliverCode {
        users,
        codes,
        mailer,
        ids: Arc::new(SystemIds),
        key: Arc::new(settings.code.key()?),
        templates: worker_settings::templates(settings)?,
        options: worker_settings::delivery_options(settings)?,
    };
    Ok((handler, health))
}

/// Nothing of it takes the worker out of service: it waits for what is away and goes on.
fn health(users: &Arc<dyn UserRepository>, codes: &Arc<dyn CodeStore>, mailer: &Arc<dyn Mailer>) -> Health {
    let (users, codes, mailer) = (users.clone(), codes.clone(), mailer.clone());
    Health::new(vec![
        HealthCheck::optional("postgres", move || {
            let users = users.clone();
            async move { users.ping().await.map_err(Into::into) }
        }),
        HealthCheck::optional("redis", move || {
            let codes = codes.clone();
            async move { codes.ping().await.map_err(Into::into) }
        }),
        HealthCheck::optional("smtp", move || {
            let mailer = mailer.clone();
            async move { mailer.ping().await.map_err(Into::into) }
        }),
    ])
}
