//! Which adapters the standalone system is made of: SQLite for what must outlast the process,
//! memory for the rest, and a broker that is a function call.

pub(crate) mod doctor;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adapters::hand_over::HandOver;
use adapters::in_process::{
    InProcessBudget, InProcessCodeStore, InProcessEventBus, InProcessRateLimiter,
};
use adapters::smtp::SmtpTls;
use adapters::sqlite::{
    self, SqliteDeadLetters, SqliteOptions, SqliteOutbox, SqliteOutboxMonitor, SqliteSuppressions,
    SqliteUserRepository,
};
use adapters::system_ids::SystemIds;
use adapters::webhook::WebhookPublisher;
use domain::ports::{
    BreachedPasswords, CodeStore, EventPublisher, Mailer, RegistrationHook, UserRepository,
};
use email_worker::{WatchedMailer, settings as worker_settings};
use inbox::{Capacity, Inbox, InboxOptions};
use process::dead_letters::DeadLetterCommand;
use process::health::{Health, HealthCheck};
use process::metrics::Collector;
use process::outbox::OutboxCommand;
use process::suppressions::SuppressionCommand;
use process::users::{UserCommand, UserStores};
use process::{Build, Service, StartError};
use registration_api::api::{Api, ProductApi};
use registration_api::http::{AppState, Ports, ProductPorts, ProductState};
use registration_api::metrics::{measure, measure_webhook, observe_hash};
use registration_api::outbox_relay::{OutboxRelay, RelayOptions};
use registration_api::settings::{self as api_settings, SignupPageDefault};
use settings::{MailServer, Settings, SettingsError};

use crate::backup;
use crate::data_directory::DataDirectory;
use crate::greeting::{Greeting, InboxAddresses, register_command};

/// How long an operation waits for the one writer of the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the product asks, where nothing else is set.
const PRODUCT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8090);

const API_ADVICE: &str = "stop what listens there or choose another port with --port";
const PRODUCT_ADVICE: &str = "stop what listens there, or set product.listen \
                              (REGISTRATION__PRODUCT__LISTEN) to another port or to off";

/// The most threads that serve HTTP.
const MAX_WORKERS: usize = 2;

/// Runs the system until it is asked to stop.
pub(crate) async fn serve(mut settings: Settings, build: &Build) -> Result<(), StartError> {
    let tables = [registration_api::metrics::METRICS, email_worker::metrics::METRICS];
    let mut service = Service::begin("standalone", build, &settings, &tables)?;
    let traces = settings.telemetry.start_traces("standalone", build.version)?;
    let data = DataDirectory::open(&settings.standalone.data_dir).map_err(StartError::failed)?;
    set_secrets(&mut settings, &data)?;
    let database = open(data.database()).await?;
    let listener = listen(settings.http.listen, API_ADVICE)?;
    let api_address = listener.local_addr().map_err(StartError::Runtime)?;
    let product =
        product_address(&settings).map(|address| listen(address, PRODUCT_ADVICE)).transpose()?;
    let product_address = product.as_ref().and_then(|listener| listener.local_addr().ok());
    let inbox = start_inbox(&settings, api_address).await?;
    let server = match &inbox {
        Some(inbox) => {
            let address = inbox.smtp_address();
            MailServer { host: address.ip().to_string(), port: address.port(), tls: SmtpTls::None }
        }
        None => settings.smtp.server()?,
    };
    let listeners = Listeners { api: listener, product };
    let (api, health, collector) = wire(&settings, database, listeners, server, &service).await?;
    service.serve_operator(&settings, health, collector)?;
    let addresses = inbox
        .as_ref()
        .map(|inbox| InboxAddresses { page: inbox.http_address(), smtp: inbox.smtp_address() });
    let greeting = Greeting {
        api: api_address,
        has_signup_page: settings.signup.is_enabled(true),
        inbox: addresses,
        product: product_address,
        data: &settings.standalone.data_dir,
    };
    process::greet(&format!("{greeting}\n"));
    api.run(service.shutdown.clone()).await.map_err(StartError::failed)?;
    if let Some(inbox) = inbox {
        inbox.shutdown().await;
    }
    traces.end().await;
    service.end().await;
    Ok(())
}

/// Looks after the events that were set aside, beside a running system too: its next look finds a
/// replay.
pub(crate) async fn run_dead_letters(
    settings: &Settings,
    command: DeadLetterCommand,
) -> Result<(), StartError> {
    process::begin_command(settings)?;
    command.run(&SqliteDeadLetters::new(open_existing(settings).await?)).await
}

/// Looks into the outbox, beside a running system too.
pub(crate) async fn run_outbox(
    settings: &Settings,
    command: OutboxCommand,
) -> Result<(), StartError> {
    process::begin_command(settings)?;
    let database = open_existing(settings).await?;
    let webhook = SqliteOutboxMonitor::of_webhook(database.clone());
    command.run(&SqliteOutboxMonitor::new(database), &webhook).await
}

/// Copies the database, beside a running system too.
pub(crate) async fn run_backup(settings: &Settings, file: &Path) -> Result<(), StartError> {
    process::begin_command(settings)?;
    let database = options(existing_database(settings)?);
    let backup = backup::back_up(database, file).await.map_err(StartError::failed)?;
    process::write_output(&backup.to_string())
}

fn existing_database(settings: &Settings) -> Result<PathBuf, StartError> {
    DataDirectory::existing_database(&settings.standalone.data_dir).map_err(StartError::failed)
}

/// Looks after accounts, beside a running system too: its next look at the outbox finds the events.
pub(crate) async fn run_users(settings: &Settings, command: UserCommand) -> Result<(), StartError> {
    process::begin_command(settings)?;
    let database = open_existing(settings).await?;
    let hand_over = HandOver::to_nobody_of(settings.webhooks.event_types()?);
    let users = Arc::new(SqliteUserRepository::new(database.clone(), hand_over));
    let stores = UserStores {
        accounts: users.clone(),
        users,
        suppressions: Arc::new(SqliteSuppressions::new(database)),
        ids: Arc::new(SystemIds),
    };
    command.run(&stores).await
}

/// Keeps mails from addresses, beside a running system too.
pub(crate) async fn run_suppressions(
    settings: &Settings,
    command: SuppressionCommand,
) -> Result<(), StartError> {
    process::begin_command(settings)?;
    command.run(&SqliteSuppressions::new(open_existing(settings).await?)).await
}

async fn open_existing(settings: &Settings) -> Result<sqlite::Database, StartError> {
    open(existing_database(settings)?).await
}

fn listen(address: SocketAddr, advice: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).map_err(|source| StartError::Listen { address, source, advice })
}

/// Where the product asks, unless that is off.
fn product_address(settings: &Settings) -> Option<SocketAddr> {
    settings.product.listen.address(Some(PRODUCT_LISTEN))
}

/// The secrets that are set, or else those that the first start has made.
fn set_secrets(settings: &mut Settings, data: &DataDirectory) -> Result<(), StartError> {
    if !settings.code.has_key() {
        settings.code.set_key(&data.code_key().map_err(StartError::failed)?);
    }
    if product_address(settings).is_some() && !settings.product.has_token() {
        settings.product.set_token(&data.product_token().map_err(StartError::failed)?);
    }
    Ok(())
}

async fn open(path: PathBuf) -> Result<sqlite::Database, StartError> {
    sqlite::open(options(path)).await.map_err(StartError::failed)
}

fn options(path: PathBuf) -> SqliteOptions {
    SqliteOptions { path, busy_timeout: BUSY_TIMEOUT }
}

/// The inbox, unless it is turned off or another mail server is set.
async fn start_inbox(settings: &Settings, api: SocketAddr) -> Result<Option<Inbox>, StartError> {
    if !settings.standalone.inbox || settings.smtp.is_set() {
        return Ok(None);
    }
    let options = InboxOptions {
        smtp: settings.standalone.inbox_smtp_listen,
        http: settings.standalone.inbox_listen,
        hosts: settings.standalone.inbox_hosts.0.clone(),
        capacity: Capacity::default(),
        example: Some(register_command(api)),
    };
    Ok(Some(Inbox::start(options).await.map_err(StartError::failed)?))
}

/// Where clients and the product ask.
struct Listeners {
    api: TcpListener,
    product: Option<TcpListener>,
}

async fn wire(
    settings: &Settings,
    database: sqlite::Database,
    listeners: Listeners,
    server: MailServer,
    service: &Service,
) -> Result<(Api, Health, Collector), StartError> {
    let relay = relay_options(settings);
    let webhook_types = settings.webhooks.event_types()?;
    let (hand_over, webhook_hand_over) = HandOver::with_webhook(relay.lease, webhook_types);
    let accounts = Arc::new(SqliteUserRepository::new(database.clone(), hand_over.clone()));
    let users: Arc<dyn UserRepository> = accounts.clone();
    let codes: Arc<dyn CodeStore> = Arc::new(InProcessCodeStore::new());
    let mailer: Arc<dyn Mailer> = Arc::new(WatchedMailer::new(Arc::new(settings.mailer(server)?)));
    say_whether_mails_are_taken(mailer.clone());
    let handler = worker_settings::deliver_code(
        settings,
        users.clone(),
        codes.clone(),
        Arc::new(SqliteSuppressions::new(database.clone())),
        mailer.clone(),
        Arc::new(SystemIds),
    )?;
    let publisher: Arc<dyn EventPublisher> =
        Arc::new(InProcessEventBus::new(Arc::new(handler), settings.smtp.connections.get()));
    let monitor = Arc::new(SqliteOutboxMonitor::new(database.clone()));
    let webhook = webhook(settings, &users)?;
    let outbox = SqliteOutbox::new(database.clone(), hand_over);
    let webhook_outbox = SqliteOutbox::of_webhook(database.clone(), webhook_hand_over);
    // What a killed process had claimed: nobody else can be at it.
    for outbox in [&outbox, &webhook_outbox] {
        outbox.release_all().await.map_err(StartError::failed)?;
    }
    let mut checks = vec![
        HealthCheck::required("sqlite", &users, |users| users.ping()),
        HealthCheck::optional("smtp", &mailer, |mailer| mailer.ping()),
    ];
    checks.extend(
        webhook
            .iter()
            .map(|webhook| HealthCheck::optional("webhook", webhook, |publisher| publisher.ping())),
    );
    let health = Health::new(checks, service.shutdown.clone());
    let hasher = Arc::new(settings.hashing.start_pool(observe_hash)?);
    let waiting_hashes = Arc::clone(&hasher);
    let collector = measure(Collector::new(), monitor, move || waiting_hashes.waiting());
    let webhook_monitor = Arc::new(SqliteOutboxMonitor::of_webhook(database));
    let collector = measure_webhook(collector, webhook_monitor);
    let product_ports = ProductPorts { accounts, hasher: Arc::new(hasher.of_product()) };
    let ports = Ports {
        users: users.clone(),
        codes,
        budget: Arc::new(InProcessBudget::new()),
        hasher,
        limiter: Arc::new(InProcessRateLimiter::new()),
        fallback: None,
        breached: breached_passwords(settings)?,
        hook: registration_hook(settings)?,
        ids: Arc::new(SystemIds),
    };
    let options = api_settings::options(settings, SignupPageDefault::On)?;
    let mut server = api_settings::server_options(settings, service.descriptors);
    server.workers = server.workers.min(MAX_WORKERS);
    let state = AppState::new(ports, options, health.clone());
    let product = match listeners.product {
        Some(listener) => {
            let token = api_settings::product_token(settings)?;
            Some(ProductApi { listener, state: ProductState::new(&state, product_ports, token) })
        }
        None => None,
    };
    let api = Api {
        listener: listeners.api,
        state,
        product,
        server,
        relay: OutboxRelay::new(Arc::new(outbox), publisher, relay),
        webhook_relay: webhook.map(|publisher| {
            let options = api_settings::webhook_relay_options(settings);
            OutboxRelay::new(Arc::new(webhook_outbox), publisher, options)
        }),
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

/// Connects once in the background: wrong settings are better read at the start than after the
/// first registration.
fn say_whether_mails_are_taken(mailer: Arc<dyn Mailer>) {
    tokio::spawn(async move {
        // Reported by the mailer itself.
        let _ = mailer.ping().await;
    });
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

/// A delivery is a whole mail here, so that each is claimed by itself and for as long as it may
/// take.
fn relay_options(settings: &Settings) -> RelayOptions {
    let options = api_settings::relay_options(settings);
    let longest_delivery = settings.smtp.timeout + settings.smtp.acceptance_timeout;
    RelayOptions {
        batch_size: 1,
        batches_in_flight: settings.smtp.connections.get(),
        lease: options.lease.max(longest_delivery * 2),
        ..options
    }
}
