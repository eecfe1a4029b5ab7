//! What to start, and how.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, mpsc};
use std::time::Duration;

use test_support::WAIT_TIMEOUT;

use super::{Output, Process};
use crate::environment::binary;

/// A program with its arguments and its environment.
#[derive(Debug, Clone)]
#[must_use]
pub struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    working_directory: Option<PathBuf>,
    stdout: Option<PathBuf>,
    stderr: Option<PathBuf>,
    descriptors: Option<(u64, u64)>,
}

/// What a program that ran to its end has left.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Its exit code.
    pub code: i32,
    /// All it wrote to standard output.
    pub stdout: String,
    /// All it wrote to standard error.
    pub stderr: String,
}

impl Program {
    /// A program without arguments. Of the tests' own environment it gets the PATH only.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let environment = [
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("HOME", std::env::temp_dir().display().to_string()),
            ("RUST_BACKTRACE", "1".to_owned()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Self {
            path: path.into(),
            arguments: Vec::new(),
            environment,
            working_directory: None,
            stdout: None,
            stderr: None,
            descriptors: None,
        }
    }

    /// One of the product's binaries.
    pub fn of_product(name: &str) -> Self {
        Self::new(binary(name))
    }

    /// Adds arguments.
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds variables to its environment.
    pub fn variables(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// Changes a setting of the product, `section.key`, by its environment variable.
    pub fn setting(self, key: &str, value: &str) -> Self {
        let name = format!("REGISTRATION__{}", key.to_uppercase().replace('.', "__"));
        self.variables([(name, value.to_owned())])
    }

    /// Changes several settings.
    pub fn settings(self, settings: &[(String, String)]) -> Self {
        settings.iter().fold(self, |program, (key, value)| program.setting(key, value))
    }

    /// Runs it in a directory of its own.
    pub fn working_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.working_directory = Some(directory.into());
        self
    }

    /// Sends its standard output to a file, a device or a pipe with a name, instead of to these
    /// tests.
    pub fn stdout_to(mut self, path: impl Into<PathBuf>) -> Self {
        self.stdout = Some(path.into());
        self
    }

    /// Sends its standard error to a file, a device or a pipe with a name, instead of to these
    /// tests.
    pub fn stderr_to(mut self, path: impl Into<PathBuf>) -> Self {
        self.stderr = Some(path.into());
        self
    }

    /// Limits the files and sockets that it may have open: the soft limit and the hard one.
    pub fn descriptors(mut self, soft: u64, hard: u64) -> Self {
        self.descriptors = Some((soft, hard));
        self
    }

    /// Whether its standard error goes elsewhere than to these tests.
    pub fn has_own_stderr(&self) -> bool {
        self.stderr.is_some()
    }

    /// The name of its file.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Starts it. The kernel kills it when these tests end, however they end: `setpriv --pdeathsig`
    /// ties it to the thread that started it, and that thread lasts as long as the tests do.
    pub fn spawn(&self) -> Process {
        self.spawn_writing_to(Output::default(), Output::default())
    }

    /// Starts it, so that its lines are added to what was written before.
    pub(super) fn spawn_writing_to(&self, stdout: Output, stderr: Output) -> Process {
        Process::new(self.name(), spawn_on_lasting_thread(self.command()), stdout, stderr)
    }

    /// Runs it to its end.
    pub async fn run_to_end(&self) -> Finished {
        self.run_to_end_within(WAIT_TIMEOUT).await
    }

    /// Runs it to its end, which must come in this time.
    pub async fn run_to_end_within(&self, timeout: Duration) -> Finished {
        let process = self.spawn();
        let status = process.wait_within(timeout).await;
        let (stdout, stderr) = (process.stdout.whole().await, process.stderr.whole().await);
        let Some(code) = status.code() else {
            panic!("{} ended with {status}:\n{stderr}", self.name())
        };
        Finished { code, stdout, stderr }
    }

    fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .args(self.descriptors.iter().flat_map(|(soft, hard)| {
                ["prlimit".to_owned(), format!("--nofile={soft}:{hard}"), "--".to_owned()]
            }))
            .arg(&self.path)
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(stream_to(self.stdout.as_deref()))
            .stderr(stream_to(self.stderr.as_deref()));
        if let Some(directory) = &self.working_directory {
            command.current_dir(directory);
        }
        command
    }
}

fn stream_to(path: Option<&Path>) -> Stdio {
    path.map_or_else(Stdio::piped, |path| {
        OpenOptions::new().append(true).open(path).unwrap().into()
    })
}

impl Finished {
    /// All it wrote, to either stream.
    pub fn output(&self) -> String {
        [self.stdout.as_str(), self.stderr.as_str()].join("\n").trim().to_owned()
    }
}

/// Starts a command on the one thread that starts them all. The thread of a test would not do: a
/// system that several tests share must not die with the test that happened to start it.
fn spawn_on_lasting_thread(command: Command) -> Child {
    type Request = (Command, mpsc::Sender<std::io::Result<Child>>);
    static REQUESTS: LazyLock<mpsc::Sender<Request>> = LazyLock::new(|| {
        let (sender, requests) = mpsc::channel::<Request>();
        std::thread::spawn(move || {
            for (mut command, answer) in requests {
                answer.send(command.spawn()).expect("somebody waits for the process");
            }
        });
        sender
    });
    let (answer, child) = mpsc::channel();
    REQUESTS.send((command, answer)).expect("the thread that starts processes runs");
    child.recv().expect("an answer").expect("util-linux's setpriv and the program can be run")
}
