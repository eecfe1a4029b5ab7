//! A service: a program that becomes ready, and that tests kill and start again.

use std::process::ExitStatus;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use test_support::eventually;

use super::{Output, Process, Program};
use crate::http::http_client;

/// A service, running or not, with the logs of all its lives.
pub struct Service {
    program: Program,
    ready_url: String,
    process: Mutex<Option<Process>>,
    logs: Output,
}

impl Service {
    /// A service that does not run yet. At `ready_url` it answers 200 once it can work.
    pub fn new(program: Program, ready_url: String) -> Self {
        Self { program, ready_url, process: Mutex::default(), logs: Output::default() }
    }

    /// What is started, settings included: for commands that are to find the same servers.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What it wrote so far, to either stream.
    pub fn logs(&self) -> &Output {
        &self.logs
    }

    /// The name of the program.
    pub fn name(&self) -> String {
        self.program.name()
    }

    /// Starts it, for a test in which it does not become ready.
    pub fn launch(&self) {
        self.logs.add_line(format!("--- {} starts", self.name()));
        let process = self.program.spawn_writing_to(self.logs.clone(), self.logs.clone());
        *self.process.lock().unwrap() = Some(process);
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&self) {
        self.launch();
        self.wait_until_ready().await;
    }

    /// Waits until it is ready.
    pub async fn wait_until_ready(&self) {
        let http = http_client();
        eventually(&format!("{} getting ready", self.name()), async || {
            if let Some(status) = self.exit_status() {
                panic!("{} ended with {status}:\n{}", self.name(), self.logs.text());
            }
            let answer = http.get(&self.ready_url).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// How its present process ended, if it has.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.process.lock().unwrap().as_ref()?.exit_status()
    }

    /// The state of its dependencies, as it reports it.
    pub async fn readiness(&self) -> Value {
        http_client().get(&self.ready_url).send().await.unwrap().json().await.unwrap()
    }

    /// `kill -9`: it gets no chance to tidy up. Does nothing when it is not running.
    pub fn kill(&self) {
        if let Some(process) = self.process.lock().unwrap().take() {
            self.logs.add_line(format!("--- {} is killed", self.name()));
            process.kill();
            process.finish_reading();
        }
    }

    /// `kill -TERM`: it is asked to finish. Waits until it has.
    pub async fn terminate(&self) -> ExitStatus {
        let process = self.process.lock().unwrap().take().expect("a running process");
        process.signal("TERM");
        let status = process.wait().await;
        process.finish_reading();
        status
    }

    /// Kills it and starts it again.
    pub async fn restart(&self) {
        self.kill();
        self.start().await;
    }

    /// The identifier of its present process.
    pub fn id(&self) -> Option<u32> {
        self.process.lock().unwrap().as_ref().map(Process::id)
    }

    /// Sends its present process a signal.
    pub fn signal(&self, signal: &str) {
        self.process.lock().unwrap().as_ref().expect("a running process").signal(signal);
    }

    /// The processor time that its present process has taken so far.
    pub fn processor_time(&self) -> Duration {
        self.process.lock().unwrap().as_ref().expect("a running process").processor_time()
    }
}
