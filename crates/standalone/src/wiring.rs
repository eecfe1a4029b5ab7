//! Which adapters the standalone system is made of: SQLite for what must outlast the process, memory for
//! the rest, and a broker that is a function call.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use adapters::in_process::{
    InProcessCodeStore, InProcessEventBus, InProcessGuessBudget, InProcessRateLimiter,
};
use adapters::sqlite::{self, SqliteDeadLetters, SqliteOutbox, SqliteUserRepository};
use adapters::system_ids::SystemIds;
use domain::ErrorChain;
use domain::ports::{CodeStore, DeadLetterError, EventPublisher, OutboxError, UserRepository};
use email_worker::settings as worker_settings;
use inbox::{Capacity, Inbox, InboxError, InboxOptions};
use process::dead_letters::DeadLetterCommand;
use process::health::{Health, HealthCheck};
use process::{operator, shutdown, telemetry};
use registration_api::api::Api;
use registration_api::http::{AppState, Ports};
use registration_api::outbox_relay::{OutboxRelay, RelayOptions};
use registration_api::settings as api_settings;
use settings::connections::{self, MailServer};
use settings::{Settings, SettingsError, SmtpTls};
use tokio::sync::Notify;

use crate::data_directory::{DataDirectory, DataDirectoryError};
use crate::greeting::{Greeting, InboxAddresses, register_command};

/// How long an operation waits for the one writer of the database.
const DATABASE_PATIENCE: Duration = Duration::from_secs(5);

/// Why the process ended: one sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    DataDirectory(#[from] DataDirectoryError),
    #[error(transparent)]
    Database(#[from] sqlite::OpenError),
    #[error(transparent)]
    Inbox(#[from] InboxError),
    #[error("cannot listen on {0}: {1}; stop what listens there or choose another port with --port")]
    Listen(SocketAddr, #[source] std::io::Error),
    #[error(
        "cannot listen on {0}: {1}; set metrics.listen (REGISTRATION__METRICS__LISTEN) to another port or to off"
    )]
    ListenOperator(SocketAddr, #[source] std::io::Error),
    #[error("cannot start: {0}")]
    Runtime(#[source] std::io::Error),
    #[error("the HTTP server failed: {0}")]
    Server(#[source] std::io::Error),
    #[error("{}", ErrorChain(.0))]
    Outbox(#[from] OutboxError),
    #[error("{}", ErrorChain(.0))]
    DeadLetters(#[from] DeadLetterError),
}

/// Runs the system until it is asked to stop.
pub(crate) async fn serve(settings: Settings) -> Result<(), StartError> {
    telemetry::init_logs(&settings.log)?;
    let metrics = telemetry::init_metrics()?;
    registration_api::describe_metrics();
    email_worker::describe_metrics();
    process::install_crypto();
    let shutdown = shutdown::on_signal().map_err(StartError::Runtime)?;
    let data = DataDirectory::open(&settings.standalone.data_dir)?;
    let settings = with_code_key(settings, &data)?;
    let database = open(data.database()).await?;
    let listener = TcpListener::bind(settings.http.listen)
        .map_err(|error| StartError::Listen(settings.http.listen, error))?;
    let api_address = listener.local_addr().map_err(StartError::Runtime)?;
    let inbox = start_inbox(&settings, api_address).await?;
    let server = match &inbox {
        Some(inbox) => {
            let address = inbox.smtp_address();
            MailServer { host: address.ip().to_string(), port: address.port(), tls: SmtpTls::None }
        }
        None => MailServer::of(&settings.smtp)?,
    };
    let (api, health) = wire(&settings, database, listener, server).await?;
    if let Some(address) = settings.metrics.listen()? {
        operator::start(address, metrics, health, shutdown.clone())
            .map_err(|error| StartError::ListenOperator(address, error))?;
    }
    let addresses =
        inbox.as_ref().map(|inbox| InboxAddresses { page: inbox.http_address(), smtp: inbox.smtp_address() });
    println!("{}", Greeting { api: api_address, inbox: addresses, data: &settings.standalone.data_dir });
    api.run(shutdown).await.map_err(StartError::Server)?;
    if let Some(inbox) = inbox {
        inbox.shutdown().await;
    }
    Ok(())
}

/// Looks after the events that were set aside, beside a running system too: its next look finds a replay.
pub(crate) async fn dead_letters(settings: Settings, command: DeadLetterCommand) -> Result<(), StartError> {
    telemetry::init_logs(&settings.log)?;
    let database = open(DataDirectory::existing_database(&settings.standalone.data_dir)?).await?;
    Ok(command.run(&SqliteDeadLetters::new(database)).await?)
}

/// The key that is set, or else the one that the first start has made.
fn with_code_key(settings: Settings, data: &DataDirectory) -> Result<Settings, StartError> {
    if settings.code.has_key() {
        return Ok(settings);
    }
    let path = data.code_key()?;
    let text =
        std::fs::read_to_string(&path).map_err(|source| DataDirectoryError::Unusable { path, source })?;
    Ok(settings.with_code_key(text.trim()))
}

async fn open(path: PathBuf) -> Result<sqlite::Database, StartError> {
    let options = sqlite::SqliteOptions { path, busy_timeout: DATABASE_PATIENCE };
    Ok(sqlite::open(options).await?)
}

/// The inbox, unless it is turned off or another mail server is set.
async fn start_inbox(settings: &Settings, api: SocketAddr) -> Result<Option<Inbox>, StartError> {
    if !settings.standalone.inbox || settings.smtp.is_set() {
        return Ok(None);
    }
    let options = InboxOptions {
        smtp: settings.standalone.inbox_smtp_listen,
        http: settings.standalone.inbox_listen,
        capacity: Capacity::default(),
        example: Some(register_command(api)),
    };
    Ok(Some(Inbox::start(options).await?))
}

async fn wire(
    settings: &Settings,
    database: sqlite::Database,
    listener: TcpListener,
    server: MailServer,
) -> Result<(Api, Health), StartError> {
    let wake = Arc::new(Notify::new());
    let users: Arc<dyn UserRepository> = Arc::new(SqliteUserRepository::new(database.clone(), wake.clone()));
    let codes: Arc<dyn CodeStore> = Arc::new(InProcessCodeStore::new());
    let mailer = Arc::new(connections::mailer(settings, server)?);
    let handler =
        worker_settings::deliver_code(settings, users.clone(), codes.clone(), mailer, Arc::new(SystemIds))?;
    let publisher: Arc<dyn EventPublisher> =
        Arc::new(InProcessEventBus::new(Arc::new(handler), settings.smtp.connections));
    let outbox = SqliteOutbox::new(database);
    outbox.release_all().await?;
    let health = Health::new(vec![HealthCheck::required("sqlite", &users, |users| users.ping())]);
    let ports = Ports {
        users: users.clone(),
        codes,
        guesses: Arc::new(InProcessGuessBudget::new()),
        hasher: Arc::new(connections::hash_pool(&settings.hashing)?),
        limiter: Arc::new(InProcessRateLimiter::new()),
        fallback_limiter: None,
        breached: connections::breached_passwords(&settings.password)?,
        ids: Arc::new(SystemIds),
    };
    let mut server = api_settings::server_options(settings);
    server.workers = server.workers.min(2);
    let api = Api {
        listener,
        state: AppState::new(ports, api_settings::options(settings)?, health.clone()),
        server,
        relay: OutboxRelay::new(Arc::new(outbox), publisher, wake, relay_options(settings)?),
        users,
        purge: api_settings::purge_options(settings)?,
    };
    Ok((api, health))
}

/// A delivery is a whole mail here, so that each is claimed by itself and for as long as it may take.
fn relay_options(settings: &Settings) -> Result<RelayOptions, SettingsError> {
    let options = api_settings::relay_options(settings)?;
    let patience = Duration::from_millis(settings.smtp.timeout_ms + settings.smtp.acceptance_timeout_ms);
    Ok(RelayOptions {
        batch_size: 1,
        batches_in_flight: settings.smtp.connections,
        lease: options.lease.max(patience * 2),
        ..options
    })
}
