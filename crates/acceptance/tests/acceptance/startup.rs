//! The first start, the next one, and starts that cannot succeed: one clear sentence and an exit code.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::{Account, Client, Mailbox, Process, Secrets, binary, free_port, runtime};

/// A standalone process as `cargo run` starts it, only with its files and ports out of the way.
struct Standalone {
    process: Process,
    api_url: String,
    inbox_url: String,
}

impl Standalone {
    fn new(data: &Path, port: u16) -> Self {
        let (api, inbox) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", free_port()));
        let settings = [
            ("http.listen", api.clone()),
            ("metrics.listen", format!("127.0.0.1:{}", free_port())),
            ("standalone.inbox_listen", inbox.clone()),
            ("standalone.inbox_smtp_listen", format!("127.0.0.1:{}", free_port())),
        ];
        let settings = settings.map(|(key, value)| (key.to_owned(), value));
        let arguments = vec!["--data-dir".to_owned(), data.display().to_string()];
        let api_url = format!("http://{api}");
        let ready = format!("{api_url}/health/ready");
        Self {
            process: Process::new(binary("standalone"), arguments, &settings, ready),
            api_url,
            inbox_url: format!("http://{inbox}"),
        }
    }

    /// Runs it to its end, which must come at once and with one sentence that contains `reason`.
    fn expect_refusal(&self, reason: &str) {
        let (status, output) = runtime().block_on(self.process.run_to_end());
        assert_ne!(status, Some(0), "{output}");
        assert!(output.contains(reason), "{output}");
        assert!(!output.contains("panicked"), "{output}");
    }
}

#[test]
fn the_first_start_needs_nothing_and_the_next_continues() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let standalone = Standalone::new(&data, free_port());
    runtime().block_on(async {
        standalone.process.start().await;
        let api = Client::new(&standalone.api_url, Secrets::default());
        let account = Account::new();
        api.register(&account).await.expect_status(201);
        let mail = Mailbox::at(&standalone.inbox_url).first(&account.email).await;
        api.activate(&account, &mail.code()).await.expect_status(200);
        standalone.process.restart().await;
        api.register(&account).await.expect_problem(409, "email-taken");
    });
    let output = standalone.process.logs().lines().join("\n");
    let as_typed = |url: &str| url.replace("127.0.0.1", "localhost");
    for helpful in
        [as_typed(&standalone.api_url), as_typed(&standalone.inbox_url), data.display().to_string()]
    {
        assert!(output.contains(&helpful), "{helpful} is not in\n{output}");
    }
    assert!(output.contains("curl"), "{output}");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in fs::read_dir(&data).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "others may read {}", path.display());
    }
}

#[test]
fn a_busy_port_is_named() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let _busy = TcpListener::bind(("127.0.0.1", port)).unwrap();
    Standalone::new(data.path(), port).expect_refusal(&port.to_string());
}

#[test]
fn an_unusable_data_directory_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let data = file.path().join("data");
    Standalone::new(&data, free_port()).expect_refusal(&data.display().to_string());
}

#[test]
fn a_damaged_database_is_named() {
    let data = tempfile::tempdir().unwrap();
    let first = Standalone::new(data.path(), free_port());
    runtime().block_on(first.process.start());
    first.process.kill();
    for file in fs::read_dir(data.path()).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().contains("sqlite") {
            fs::write(path, "this is no database, whatever its name says".repeat(100)).unwrap();
        }
    }
    Standalone::new(data.path(), free_port()).expect_refusal(&data.path().display().to_string());
}

#[test]
fn a_missing_setting_is_named() {
    for name in ["registration-api", "email-worker"] {
        let process = Process::new(binary(name), Vec::new(), &[], String::new());
        let (status, output) = runtime().block_on(process.run_to_end());
        assert!(status != Some(0) && output.contains("REGISTRATION__"), "{name}: {output}");
        assert!(!output.contains("panicked"), "{name}: {output}");
    }
}

#[test]
fn an_unknown_setting_is_refused() {
    for name in ["registration-api", "email-worker", "standalone"] {
        let typo = [("http.lisen".to_owned(), "127.0.0.1:8000".to_owned())];
        let data = tempfile::tempdir().unwrap();
        let arguments = match name {
            "standalone" => vec!["--data-dir".to_owned(), data.path().display().to_string()],
            _ => Vec::new(),
        };
        let process = Process::new(binary(name), arguments, &typo, String::new());
        let (status, output) = runtime().block_on(process.run_to_end());
        assert!(status != Some(0) && output.contains("lisen"), "{name}: {output}");
    }
}

#[test]
fn every_binary_explains_itself() {
    for name in ["registration-api", "email-worker", "standalone"] {
        for (argument, expected) in [("--help", "Usage"), ("--version", env!("CARGO_PKG_VERSION"))] {
            let process = Process::new(binary(name), vec![argument.to_owned()], &[], String::new());
            let (status, output) = runtime().block_on(process.run_to_end());
            assert!(status == Some(0) && output.contains(expected), "{name} {argument}: {output}");
        }
    }
}
