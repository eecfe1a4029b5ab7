//! The standalone binary as a person starts it, with its files and ports out of the way.

use std::path::Path;
use std::time::{Duration, Instant};

use test_support::free_port;

use crate::http::{Client, Secrets, http_client};
use crate::mail::Mailbox;
use crate::process::{Process, Program};

/// How to start it.
#[derive(Clone)]
#[must_use]
pub struct StandaloneCommand {
    program: Program,
    /// Where the API listens.
    pub api_port: u16,
    /// Where the inbox shows its page.
    pub inbox_port: u16,
    /// Where the inbox accepts mails.
    pub smtp_port: u16,
    /// Where metrics are read.
    pub metrics_port: u16,
    /// Where the product asks.
    pub product_port: u16,
}

impl StandaloneCommand {
    /// On a data directory, which need not exist, and on free ports.
    pub fn on(data: &Path) -> Self {
        let [api_port, inbox_port, smtp_port, metrics_port, product_port] =
            std::array::from_fn(|_| free_port());
        let flags = [
            ("--data-dir", data.display().to_string()),
            ("--port", api_port.to_string()),
            ("--inbox-port", inbox_port.to_string()),
            ("--smtp-port", smtp_port.to_string()),
        ];
        let program = Program::of_product("standalone")
            .arguments(flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]))
            .setting("metrics.listen", &format!("127.0.0.1:{metrics_port}"))
            .setting("product.listen", &format!("127.0.0.1:{product_port}"))
            // Tests do not look for a busy machine.
            .setting("hashing.deadline", "60s");
        Self { program, api_port, inbox_port, smtp_port, metrics_port, product_port }
    }

    /// Adds a flag.
    pub fn flag(mut self, flag: &str) -> Self {
        self.program = self.program.arguments([flag]);
        self
    }

    /// Changes a setting, `section.key`.
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.program = self.program.setting(key, value);
        self
    }

    /// Sets a variable of its environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.program = self.program.variables([(name.to_owned(), value.to_owned())]);
        self
    }

    /// Limits the files and sockets that it may have open: the soft limit and the hard one.
    pub fn descriptors(mut self, soft: u64, hard: u64) -> Self {
        self.program = self.program.descriptors(soft, hard);
        self
    }

    /// What is started, for starts that cannot succeed.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Starts it and waits until it prints where it listens and answers that it is ready.
    pub async fn start(&self) -> Standalone {
        let http = http_client();
        let started = Instant::now();
        let process = self.program.spawn();
        process.stdout.line_with("API").await;
        let api = format!("http://127.0.0.1:{}", self.api_port);
        let answer = http.get(format!("{api}/health/ready")).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{}", process.stderr.text());
        let time_to_ready = started.elapsed();
        let inbox = format!("http://127.0.0.1:{}", self.inbox_port);
        Standalone { process, api, inbox, time_to_ready }
    }
}

/// A running standalone system.
pub struct Standalone {
    /// The process and what it prints.
    pub process: Process,
    /// The base URL of the API and its documentation.
    pub api: String,
    /// The base URL of the inbox.
    pub inbox: String,
    /// The time from the start of the process to its first answer that it is ready.
    pub time_to_ready: Duration,
}

impl Standalone {
    /// A client of its API.
    pub fn client(&self) -> Client {
        Client::new(&self.api, Secrets::default())
    }

    /// The mails in its inbox.
    pub fn mailbox(&self) -> Mailbox {
        Mailbox::at(&self.inbox)
    }
}
