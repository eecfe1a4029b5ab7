//! The standalone binary without limits, and an inbox for its mails.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use inbox::{Capacity, Inbox, InboxOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

/// What is waited for comes in a second or never, but on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(90);

/// Off: limits, which the requests would hit, and those of time, which a busy machine would; what a schema can't
/// tell of passwords; the cost of hashes.
const SETTINGS: [(&str, &str); 17] = [
    ("LIMITS__REGISTER_PER_CLIENT", "off"),
    ("LIMITS__REGISTER_PER_ADDRESS", "off"),
    ("LIMITS__ACTIVATE_PER_CLIENT", "off"),
    ("LIMITS__ACTIVATE_PER_ADDRESS", "off"),
    ("LIMITS__RESEND_PER_CLIENT", "off"),
    ("LIMITS__RESEND_PER_ADDRESS", "off"),
    ("LIMITS__FURTHER_CODES", "off"),
    ("PASSWORD__REFUSE_COMMON", "false"),
    ("PASSWORD__BREACH_CHECK", "false"),
    ("HASHING__MEMORY_KIB", "256"),
    ("HASHING__ITERATIONS", "1"),
    ("HASHING__DEADLINE_MS", "60000"),
    ("CODE__WINDOW_SECONDS", "3600"),
    ("SMTP__HOST", "127.0.0.1"),
    ("SMTP__TLS", "none"),
    ("METRICS__LISTEN", "off"),
    ("LOG__FORMAT", "json"),
];

/// A variable that `cargo xtask test` sets.
pub(crate) fn required(variable: &str) -> PathBuf {
    let problem = "is not set: run `cargo xtask test`, which builds and installs what this test needs";
    std::env::var(variable).map_or_else(|_| panic!("{variable} {problem}"), PathBuf::from)
}

/// Who the requests come from.
pub(crate) struct Account {
    pub(crate) email: String,
    pub(crate) password: String,
}

/// A running system; it ends with the test.
pub(crate) struct System {
    base: String,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    inbox: Inbox,
    folder: TempDir,
}

impl System {
    /// Starts one and waits until it listens.
    pub(crate) async fn start() -> Self {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let capacity = Capacity { mails: 10_000, bytes: 64 * 1024 * 1024 };
        let options = InboxOptions { smtp: any_port, http: any_port, capacity, example: None };
        let inbox = Inbox::start(options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut child = spawn(folder.path(), inbox.smtp_address().port());
        let log = Arc::<Mutex<Vec<String>>>::default();
        let listening = follow(&mut child, log.clone());
        let address = listening
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("the API does not listen:\n{}", log.lock().unwrap().join("\n")));
        Self { base: format!("http://{address}"), child, log, inbox, folder }
    }

    /// The base URL of the API.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// A folder of this test's own.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Registers an account and waits for its mail.
    pub(crate) async fn register(&self) -> Account {
        let account = Account { email: "fuzz@example.net".into(), password: "a long enough password".into() };
        let body = json!({"email": account.email, "password": account.password});
        let response = self.post("register").body(body.to_string()).send().await.unwrap();
        assert_eq!(response.status(), 201);
        self.code(&account).await;
        account
    }

    /// Sends the code back.
    pub(crate) async fn activate(&self, account: &Account) {
        let body = json!({"code": self.code(account).await}).to_string();
        let request = self.post("activate").basic_auth(&account.email, Some(&account.password));
        assert_eq!(request.body(body).send().await.unwrap().status(), 200);
    }

    fn post(&self, operation: &str) -> reqwest::RequestBuilder {
        // A build of the whole workspace has TLS, and leaves it to each process to say which.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = format!("{}/api/v1/users/{operation}", self.base);
        reqwest::Client::new().post(url).header("content-type", "application/json")
    }

    /// The code of the last mail to an account.
    async fn code(&self, account: &Account) -> String {
        let is_to_account = |mail: &inbox::Mail| mail.envelope.to.contains(&account.email);
        let mail = timeout(PATIENCE, self.inbox.mailbox().wait_for(is_to_account)).await.expect("a mail");
        let text = mail.content().text;
        let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 4);
        numbers.next().expect("a code").to_owned()
    }

    /// Fails when the log tells of something that no client should be able to bring about.
    pub(crate) fn assert_nothing_broke(&self) {
        let log = self.log.lock().unwrap();
        let broke = log.iter().find(|line| line.contains("panicked") || line.contains("internal_error"));
        assert_eq!(broke, None);
    }
}

impl Drop for System {
    fn drop(&mut self) {
        // Already gone is as good as stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the binary; the kernel ends it with the thread of this test, even when that is killed.
fn spawn(folder: &Path, smtp_port: u16) -> Child {
    let binary = required("TEST_BIN_DIR").join("standalone");
    assert!(binary.exists(), "{} is missing: run `cargo xtask test`", binary.display());
    let settings = SETTINGS.iter().map(|(key, value)| (format!("REGISTRATION__{key}"), *value));
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--"])
        .arg(binary)
        .arg("--data-dir")
        .arg(folder.join("data"))
        .env_clear()
        .envs(settings)
        .env("REGISTRATION__HTTP__LISTEN", "127.0.0.1:0")
        .env("REGISTRATION__SMTP__PORT", smtp_port.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("util-linux's setpriv and the binary can be run")
}

/// Keeps the log and tells where the API listens.
fn follow(child: &mut Child, log: Arc<Mutex<Vec<String>>>) -> mpsc::Receiver<String> {
    let (told, listening) = mpsc::channel();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["event"] == "listening" {
                // Nobody may be waiting any more.
                let _ = told.send(event["address"].as_str().unwrap_or_default().to_owned());
            }
            log.lock().unwrap().push(line);
        }
    });
    listening
}
