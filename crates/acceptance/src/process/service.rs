//! A process of the product: started, watched, killed, started again.
//!
//! It never outlives the suite: `setpriv --pdeathsig` has the kernel kill it with the thread that
//! started it, even when the suite itself is killed.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread::JoinHandle;

use crate::environment::runtime;
use crate::process::Logs;
use crate::wait::eventually;

/// A program with its settings, running or not.
pub struct Process {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    ready_url: String,
    child: Mutex<Option<Child>>,
    readers: Mutex<Vec<JoinHandle<()>>>,
    logs: Logs,
}

impl Process {
    /// A process that is not running yet. `settings` are pairs of `section.key` and value; at
    /// `ready_url` it answers 200 once it can work.
    pub fn new(
        program: PathBuf,
        arguments: Vec<String>,
        settings: &[(String, String)],
        ready_url: String,
    ) -> Self {
        let environment = settings
            .iter()
            .map(|(key, value)| {
                (format!("REGISTRATION__{}", key.to_uppercase().replace('.', "__")), value.clone())
            })
            .collect();
        Self::stopped(program, arguments, environment, ready_url)
    }

    fn stopped(
        program: PathBuf,
        arguments: Vec<String>,
        environment: Vec<(String, String)>,
        ready_url: String,
    ) -> Self {
        let (child, readers, logs) = Default::default();
        Self { program, arguments, environment, ready_url, child, readers, logs }
    }

    /// The same program with the same settings, for a command of its own.
    pub fn with_arguments(&self, arguments: &[&str]) -> Self {
        let own = self.arguments.iter().map(String::as_str);
        let arguments = own.chain(arguments.iter().copied()).map(str::to_owned).collect();
        Self::stopped(self.program.clone(), arguments, self.environment.clone(), self.ready_url.clone())
    }

    /// The state of what it depends on, by its own account.
    pub async fn readiness(&self) -> serde_json::Value {
        reqwest::get(&self.ready_url).await.unwrap().json().await.unwrap()
    }

    /// What it wrote so far.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// The name of the program.
    pub fn name(&self) -> String {
        self.program.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&self) {
        self.spawn().await;
        eventually(&format!("{} getting ready", self.name()), async || {
            if let Some(status) = self.exit_status() {
                panic!("{} ended with {status}:\n{}", self.name(), self.logs.lines().join("\n"));
            }
            let answer = reqwest::get(&self.ready_url).await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// Starts it without waiting.
    pub async fn spawn(&self) {
        self.logs.note(format!("--- {} starts", self.name()));
        let mut command = self.command();
        // On a worker of the runtime, not on the test's thread: see the head of this file.
        let mut child = runtime()
            .spawn(async move { command.spawn().expect("util-linux's setpriv and the binary can be run") })
            .await
            .unwrap();
        self.readers.lock().unwrap().extend([
            self.logs.follow(child.stdout.take().unwrap()),
            self.logs.follow(child.stderr.take().unwrap()),
        ]);
        *self.child.lock().unwrap() = Some(child);
    }

    fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.program)
            .args(&self.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("RUST_BACKTRACE", "1")
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// `kill -9`: it gets no chance to tidy up. Does nothing when it is not running.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            self.logs.note(format!("--- {} is killed", self.name()));
            child.kill().unwrap();
            child.wait().unwrap();
            self.finish_reading();
        }
    }

    /// Waits until all that an ended process wrote is in the logs.
    fn finish_reading(&self) {
        self.readers.lock().unwrap().drain(..).for_each(|reader| reader.join().unwrap());
    }

    /// `kill -TERM`: it is asked to finish. Waits until it has.
    pub async fn terminate(&self) -> ExitStatus {
        let id = self.child.lock().unwrap().as_ref().expect("a running process").id();
        assert!(Command::new("kill").arg(id.to_string()).status().unwrap().success());
        let status = eventually(&format!("{} finishing", self.name()), async || self.exit_status()).await;
        self.child.lock().unwrap().take();
        self.finish_reading();
        status
    }

    /// Kills it and starts it again.
    pub async fn restart(&self) {
        self.kill();
        self.start().await;
    }

    /// The processor time that it has taken, in ticks of the kernel: what it did, however busy the machine is.
    pub fn cpu_ticks(&self) -> u32 {
        let id = self.child.lock().unwrap().as_ref().expect("a running process").id();
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        // The name of the program, in parentheses, may hold anything; user and system time are the 14th and 15th field.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u32>().unwrap()).sum()
    }

    /// How it ended, if it has.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.child.lock().unwrap().as_mut()?.try_wait().unwrap()
    }

    /// Lets it run to its end, for commands. Returns the exit code and everything it wrote.
    pub async fn run_to_end(&self) -> (Option<i32>, String) {
        self.spawn().await;
        let status = eventually(&format!("{} ending", self.name()), async || self.exit_status()).await;
        self.finish_reading();
        assert_eq!(status.signal(), None, "{} was killed by a signal", self.name());
        (status.code(), self.logs.lines().join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
