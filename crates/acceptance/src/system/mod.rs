//! The system under test: the processes of one deployment, what they lean on, and their logs.

mod deployment;
mod setup;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use inbox::Inbox;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::account::unique;
use crate::http::{Client, Secrets};
use crate::mail::{MailGate, Mailbox, start_inbox};
use crate::process::Process;

use deployment::pairs;
pub use deployment::{Addresses, Deployment, Servers};
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
    settings: Vec<(String, String)>,
    api: Process,
    worker: Option<Process>,
    servers: Option<Servers>,
    expects_errors: bool,
    secrets: Secrets,
    _inbox: Inbox,
    _data: TempDir,
}

impl System {
    /// Starts a system of the test's own.
    pub async fn start(deployment: Deployment, setup: &Setup) -> Self {
        let inbox = start_inbox().await;
        let smtp = MailGate::before(inbox.smtp_address()).await;
        let data = tempfile::tempdir().unwrap();
        let mut settings = common_settings(&smtp);
        if setup.has_default_limits() {
            settings.retain(|(key, _)| !key.starts_with("limits."));
        }
        let (api, worker, servers, addresses) = match deployment {
            Deployment::Distributed => {
                let servers = Servers::prepare().await;
                settings.extend(servers.settings());
                settings.extend_from_slice(setup.settings());
                let (api, worker, addresses) = deployment::distributed(&settings).await;
                (api, Some(worker), Some(servers), addresses)
            }
            Deployment::Standalone => {
                settings.extend_from_slice(setup.settings());
                let (api, addresses) = deployment::standalone(&settings, &data);
                (api, None, None, addresses)
            }
        };
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
            _data: data,
        }
    }

    /// The system that all tests with this set-up share; it ends with the suite.
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

    /// What its processes were told, apart from where to listen; of two values of a setting the later counts.
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// The process that serves the API.
    pub fn api(&self) -> &Process {
        &self.api
    }

    /// The process that sends the mails: the same one in a standalone deployment.
    pub fn worker(&self) -> &Process {
        self.worker.as_ref().unwrap_or(&self.api)
    }

    /// The servers behind their proxies. Only a distributed deployment has them.
    pub fn servers(&self) -> &Servers {
        self.servers.as_ref().expect("a distributed deployment")
    }

    /// Every process.
    fn processes(&self) -> impl Iterator<Item = &Process> {
        std::iter::once(&self.api).chain(&self.worker)
    }

    /// Adds a text that must not be in any log.
    pub fn keep_secret(&self, text: String) {
        self.secrets.lock().unwrap().insert(text);
    }

    /// Fails when what was added to a log holds a password, an address, a credential, or an error nobody
    /// asked for.
    pub fn assert_logs_are_clean_since(&self, lengths: &[usize]) {
        let secrets = self.secrets.lock().unwrap().clone();
        for (process, length) in self.processes().zip(lengths) {
            let lines = process.logs().lines();
            assert!(lines.len() > 1, "{} logs nothing", process.name());
            for line in lines.into_iter().skip(*length) {
                let leaked = secrets.iter().find(|secret| line.contains(secret.as_str()));
                assert_eq!(leaked, None, "a secret in the log of {}: {line}", process.name());
                let is_error = line.contains(" ERROR ") && !self.expects_errors;
                assert!(!is_error && !line.contains("panicked at"), "{}: {line}", process.name());
            }
        }
    }

    /// How long each log is, for the functions that look at what was added since.
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
        self.processes().for_each(Process::kill);
        if let Some(servers) = &self.servers {
            servers.clean_up().await;
        }
    }
}

/// What both deployments are told: no limits (the tests are one client), our mail server, and patience,
/// because a busy machine is not what the tests look for. A server that a test cuts off is noticed at once,
/// by its broken connection; a test that needs less patience sets it for itself.
fn common_settings(smtp: &MailGate) -> Vec<(String, String)> {
    let key = format!("{}{}{}{}", unique(), unique(), unique(), unique());
    pairs(&[
        ("code.key", &key),
        ("http.header_timeout_ms", "60000"),
        ("http.body_timeout_ms", "60000"),
        ("hashing.queue", "2000"),
        ("hashing.deadline_ms", "60000"),
        ("postgres.connect_timeout_ms", "30000"),
        ("postgres.statement_timeout_ms", "30000"),
        ("redis.timeout_ms", "30000"),
        ("rabbitmq.confirm_timeout_ms", "30000"),
        // Longer than a delivery may take, or it would be made twice.
        ("outbox.lease_seconds", "60"),
        ("limits.register_per_client", "off"),
        ("limits.register_per_address", "off"),
        ("limits.activate_per_client", "off"),
        ("limits.activate_per_address", "off"),
        ("limits.resend_per_client", "off"),
        ("limits.resend_per_address", "off"),
        ("limits.further_codes", "off"),
        ("smtp.host", "127.0.0.1"),
        ("smtp.port", &smtp.port().to_string()),
        ("smtp.tls", "none"),
        ("smtp.timeout_ms", "60000"),
        ("outbox.poll_interval_ms", "300"),
    ])
}
