//! A log that nobody reads, or that finds no room, neither ends nor delays the service.

use std::path::PathBuf;
use std::process::Command;

use acceptance::{Account, Client, Deployment, Journey, Program, Secrets, Setup, run, runtime};
use tempfile::TempDir;
use test_support::{CODE_KEY, eventually};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe;

const FULL_DEVICE: &str = "/dev/full";

/// A pipe with a name. Its reader can go away and come back while the writers go on.
struct NamedPipe {
    path: PathBuf,
    _directory: TempDir,
}

impl NamedPipe {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        Self { path, _directory: directory }
    }

    fn open(&self) -> pipe::Receiver {
        pipe::OpenOptions::new().open_receiver(&self.path).unwrap()
    }
}

async fn wait_for_line(reader: pipe::Receiver, part: &str) {
    let mut lines = BufReader::new(reader).split(b'\n');
    eventually(&format!("a line with {part}"), async || {
        let line = lines.next_segment().await.unwrap()?;
        String::from_utf8_lossy(&line).contains(part).then_some(())
    })
    .await;
}

async fn lost_lines(journey: &Journey) -> u64 {
    let metrics =
        Client::new(&journey.system.addresses.operator, Secrets::default()).get("/metrics").await;
    let line =
        metrics.body.lines().find(|line| line.starts_with("registration_log_lines_lost_total "));
    let (_, value) =
        line.and_then(|line| line.split_once(' ')).expect("the metric is there from the start");
    value.parse().unwrap()
}

async fn wait_for_loss(journey: &Journey) {
    eventually("the first lost line", async || {
        for _ in 0..200 {
            journey.api.get("/health/live").await.expect_status(200);
        }
        (lost_lines(journey).await > 0).then_some(())
    })
    .await;
}

fn on_both(setup: &Setup, test: &impl AsyncFn(&Journey)) {
    for deployment in [Deployment::Distributed, Deployment::Standalone] {
        run(deployment, setup, &[], test);
    }
}

#[test]
fn asvs_16_5_2_the_services_outlive_the_reader_of_their_log_and_resume_logging() {
    let pipe = NamedPipe::new();
    let log = std::cell::RefCell::new(None);
    let setup = Setup::own().stderr_to(&pipe.path);
    for deployment in [Deployment::Distributed, Deployment::Standalone] {
        *log.borrow_mut() = Some(runtime().block_on(async { pipe.open() }));
        run(deployment, &setup, &[], async |journey| {
            journey.activated().await;
            assert_eq!(lost_lines(journey).await, 0);
            drop(log.borrow_mut().take());
            journey.activated().await;
            wait_for_loss(journey).await;
            journey.activated().await;

            let reader = pipe.open();
            let account = Account::new();
            journey.api.register(&account).await.expect_status(201);
            wait_for_line(reader, "user.registered").await;
        });
    }
}

#[test]
fn asvs_16_5_2_a_reader_that_reads_nothing_delays_nobody() {
    let pipe = NamedPipe::new();
    let log = runtime().block_on(async { pipe.open() });
    // Much is logged, so that the pipe is soon full.
    let setup = Setup::own().stderr_to(&pipe.path).with("log.filter", "trace");
    on_both(&setup, &async |journey: &Journey| {
        wait_for_loss(journey).await;
        journey.activated().await;
        let ended = journey.system.api().terminate().await;
        assert_eq!(ended.code(), Some(0));
    });
    drop(log);
}

#[test]
fn asvs_16_5_2_full_disks_behind_both_streams_do_not_keep_the_services_from_starting() {
    let full = PathBuf::from(FULL_DEVICE);
    on_both(&Setup::own().stdout_to(&full).stderr_to(&full), &async |journey: &Journey| {
        journey.activated().await;
        wait_for_loss(journey).await;
    });
}

#[test]
fn a_command_that_cannot_write_its_answer_says_so_and_fails() {
    for command in ["openapi", "defaults"] {
        let program = Program::of_product("registration-api")
            .arguments([command])
            .setting("code.key", CODE_KEY);
        let finished = runtime().block_on(program.stdout_to(FULL_DEVICE).run_to_end());
        assert_eq!(finished.code, 1, "{}", finished.stderr);
        let sentence = "registration-api: cannot write to standard output: ";
        assert!(finished.stderr.starts_with(sentence), "{}", finished.stderr);
        assert_eq!(finished.stderr.lines().count(), 1, "{}", finished.stderr);
    }
}
