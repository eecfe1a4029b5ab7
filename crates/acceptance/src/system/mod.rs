//! The system under test: the processes of one deployment, the servers they need, and their logs.

mod deployment;
mod servers;
mod settings;
mod setup;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use inbox::Inbox;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::http::{Client, Product, RawConnection, Secrets};
use crate::mail::{MailGate, Mailbox, start_inbox};
use crate::process::Service;

pub use deployment::{Addresses, Deployment, PRODUCT_TOKEN};
pub use servers::Servers;
use settings::{Settings, common_settings, no_limits};
pub use setup::Setup;

/// A running deployment with a mail server and an inbox of its own.
pub struct System {
    /// How it is deployed.
    pub deployment: Deployment,
    /// The mail server that the system sends through.
    pub smtp: MailGate,
    /// The inbox that the mail server delivers to.
    pub mailbox: Mailbox,
    /// Where it listens.
    pub addresses: Addresses,
    settings: Settings,
    api: Service,
    worker: Option<Service>,
    servers: Option<Servers>,
    expects_errors: bool,
    secrets: Secrets,
    _inbox: Inbox,
    data: TempDir,
}

impl System {
    /// Starts a system that no other test uses.
    pub async fn start(deployment: Deployment, setup: &Setup) -> Self {
        let inbox = start_inbox().await;
        let smtp = MailGate::before(inbox.smtp_address()).await;
        let data = tempfile::tempdir().unwrap();
        let servers = match deployment {
            Deployment::Distributed => Some(Servers::prepare().await),
            Deployment::Standalone => None,
        };
        let mut settings = common_settings(&smtp);
        if !setup.has_default_limits() {
            settings.extend(no_limits());
        }
        settings.extend(servers.iter().flat_map(Servers::settings));
        settings.extend_from_slice(setup.settings());
        let (api, worker, addresses) = deployment.services(&settings, setup, data.path()).await;
        api.start().await;
        if let Some(worker) = &worker {
            worker.start().await;
        }
        Self {
            deployment,
            smtp,
            mailbox: Mailbox::at(&format!("http://{}", inbox.http_address())),
            addresses,
            settings,
            api,
            worker,
            servers,
            expects_errors: setup.expects_errors(),
            secrets: Secrets::default(),
            _inbox: inbox,
            data,
        }
    }

    /// The system that all tests with this setup share; it ends with the executable.
    pub async fn shared(deployment: Deployment, name: &'static str, setup: &Setup) -> Arc<Self> {
        type Cells = HashMap<(Deployment, &'static str), Arc<OnceCell<Arc<System>>>>;
        static SYSTEMS: LazyLock<Mutex<Cells>> = LazyLock::new(Mutex::default);
        let cell = SYSTEMS.lock().unwrap().entry((deployment, name)).or_default().clone();
        cell.get_or_init(|| async { Arc::new(Self::start(deployment, setup).await) }).await.clone()
    }

    /// A client for one test.
    pub fn client(&self) -> Client {
        Client::new(&self.addresses.api, self.secrets.clone())
    }

    /// The product behind it, for one test.
    pub fn product(&self) -> Product {
        Product::new(&self.addresses.product, self.secrets.clone())
    }

    /// A connection to its API for bytes that need not be HTTP.
    pub async fn open_connection(&self) -> RawConnection {
        RawConnection::open(&self.addresses.api).await
    }

    /// The value of one of its settings.
    pub fn setting(&self, key: &str) -> &str {
        let setting = self.settings.iter().rev().find(|(name, _)| name == key);
        setting.map_or_else(|| panic!("{key} is not set"), |(_, value)| value)
    }

    /// The process that serves the API.
    pub fn api(&self) -> &Service {
        &self.api
    }

    /// The process that sends the mails: the same one in a standalone deployment.
    pub fn worker(&self) -> &Service {
        self.worker.as_ref().unwrap_or(&self.api)
    }

    /// Where a standalone system keeps its files.
    pub(crate) fn data_directory(&self) -> &Path {
        self.data.path()
    }

    /// The servers behind their proxies. Only a distributed deployment has them.
    pub fn servers(&self) -> &Servers {
        self.servers.as_ref().expect("a distributed deployment")
    }

    /// Every process.
    fn processes(&self) -> impl Iterator<Item = &Service> {
        std::iter::once(&self.api).chain(&self.worker)
    }

    /// Adds a text that must not be in any log.
    pub fn keep_secret(&self, text: String) {
        self.secrets.lock().unwrap().insert(text);
    }

    /// Fails if what was added to a log contains a password, an address, a credential, or an
    /// unexpected error.
    pub fn assert_logs_are_clean_since(&self, lengths: &[usize]) {
        let secrets = self.secrets.lock().unwrap().clone();
        for (process, length) in self.processes().zip(lengths) {
            let lines = process.logs().lines();
            let is_read = !process.program().has_own_stderr();
            assert!(!is_read || lines.len() > 1, "{} logs nothing", process.name());
            for line in lines.into_iter().skip(*length) {
                let leaked = secrets.iter().find(|secret| line.contains(secret.as_str()));
                assert_eq!(leaked, None, "a secret in the log of {}: {line}", process.name());
                let is_error = line.contains(" ERROR ") && !self.expects_errors;
                assert!(!is_error && !line.contains("panicked at"), "{}: {line}", process.name());
            }
        }
    }

    /// The number of lines in each log, for the functions that read what was added since.
    pub fn log_lengths(&self) -> Vec<usize> {
        self.processes().map(|process| process.logs().lines().len()).collect()
    }

    /// Prints what was added to the logs, for a test that failed.
    pub fn print_logs_since(&self, lengths: &[usize]) {
        for (process, length) in self.processes().zip(lengths) {
            println!("=== log of {} ({:?})", process.name(), self.deployment);
            process.logs().lines().iter().skip(*length).for_each(|line| println!("{line}"));
        }
    }

    /// Ends the processes and removes what they stored.
    pub async fn shut_down(&self) {
        self.processes().for_each(Service::kill);
        if let Some(servers) = &self.servers {
            servers.clean_up().await;
        }
    }
}
