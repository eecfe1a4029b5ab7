//! The standalone binary as somebody starts it, only with its files and ports out of the way.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::environment::binary;
use crate::http::http_client;
use crate::http::{Client, Secrets};
use crate::mail::Mailbox;
use crate::port::free_port;
use crate::process::Program;

/// How it is started.
#[derive(Clone)]
pub struct Start {
    data: PathBuf,
    /// Where the API listens.
    pub api_port: u16,
    /// Where the inbox shows its page.
    pub inbox_port: u16,
    /// Where the inbox takes mails.
    pub smtp_port: u16,
    /// Where metrics are read.
    pub metrics_port: u16,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Start {
    /// On a data directory, which need not exist, and on free ports.
    pub fn on(data: &Path) -> Self {
        let start = Self {
            data: data.to_owned(),
            api_port: free_port(),
            inbox_port: free_port(),
            smtp_port: free_port(),
            metrics_port: free_port(),
            flags: Vec::new(),
            environment: Vec::new(),
        };
        let metrics = format!("127.0.0.1:{}", start.metrics_port);
        // A busy machine is not what the tests look for.
        start.with("metrics.listen", &metrics).with("hashing.deadline_ms", "60000")
    }

    /// Adds a flag.
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// Changes a setting, `section.key`.
    pub fn with(mut self, key: &str, value: &str) -> Self {
        let name = format!("REGISTRATION__{}", key.to_uppercase().replace('.', "__"));
        self.environment.push((name, value.to_owned()));
        self
    }

    /// Starts it without waiting, for starts that cannot succeed.
    pub fn spawn(&self) -> Program {
        let flags = [
            ("--data-dir", self.data.display().to_string()),
            ("--port", self.api_port.to_string()),
            ("--inbox-port", self.inbox_port.to_string()),
            ("--smtp-port", self.smtp_port.to_string()),
        ];
        let arguments = flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]);
        let arguments = arguments.chain(self.flags.iter().cloned());
        Program::start(&binary("standalone"), arguments, &self.environment)
    }

    /// Starts it and waits until it says where it is and answers that it is ready.
    pub async fn ready(&self) -> Standalone {
        let client = http_client();
        let began = Instant::now();
        let program = self.spawn();
        program.stdout.line_with("API").await;
        let api = format!("http://127.0.0.1:{}", self.api_port);
        let answer = client.get(format!("{api}/health/ready")).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{}", program.stderr.text());
        let time_to_ready = began.elapsed();
        let inbox = format!("http://127.0.0.1:{}", self.inbox_port);
        Standalone { program, api, inbox, time_to_ready }
    }
}

/// A running standalone system.
pub struct Standalone {
    /// The running program.
    pub program: Program,
    /// The base URL of the API and its documentation.
    pub api: String,
    /// The base URL of the inbox.
    pub inbox: String,
    /// From the start of the process to its first answer that it is ready.
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
