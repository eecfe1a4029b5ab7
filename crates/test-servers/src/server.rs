//! What all servers have in common.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::ServerError;
use crate::log::{last_lines, log_to};
use crate::ports;
use crate::process::{Group, Interrupt, POLL, Signal};
use crate::readiness::Greeting;
use crate::usage::Usage;

/// How long a server may take to start; RabbitMQ needs 5 to 30 s, depending on what else the
/// machine does.
const DEADLINE: Duration = Duration::from_mins(2);

/// What a crash may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Everything, for speed.
    Disposable,
    /// Nothing that was promised: as in production.
    Durable,
}

/// One server, until it is dropped.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    url: String,
    port: u16,
    greeting: Greeting,
    log: PathBuf,
    command: Command,
    stop_signal: Signal,
    /// None after it was stopped.
    group: Option<Group>,
}

/// What a server is made of.
pub(crate) struct Recipe {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    pub(crate) port: u16,
    pub(crate) greeting: Greeting,
    pub(crate) command: Command,
    /// Asks it to end cleanly.
    pub(crate) stop_signal: Signal,
}

impl Server {
    /// Starts it with a log in `folder`; it need not be ready yet.
    pub(crate) fn start(recipe: Recipe, folder: &Path) -> Result<Self, ServerError> {
        let Recipe { name, url, port, greeting, mut command, stop_signal } = recipe;
        let log = folder.join("log");
        log_to(&mut command, &log)?;
        let mut server = Self { name, url, port, greeting, log, command, stop_signal, group: None };
        server.start_again()?;
        Ok(server)
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where clients find it, with the name and password of a user that may do everything.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file that holds what it prints.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its main process; None after it was stopped.
    pub fn pid(&self) -> Option<u32> {
        self.group.as_ref().map(Group::pid)
    }

    /// Starts it where it was, on the same port with the same data; it need not be ready yet.
    pub fn start_again(&mut self) -> Result<(), ServerError> {
        self.stop();
        if !ports::is_free(self.port) {
            return Err(ServerError::PortInUse { name: self.name, port: self.port });
        }
        self.group = Some(Group::start(&mut self.command, self.stop_signal)?);
        Ok(())
    }

    /// Kills everything of it at once, as a power cut does. What was written stays.
    pub fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            group.kill();
        }
    }

    /// Makes it stand still, with everything it started. Its connections stay open.
    pub fn freeze(&self) {
        if let Some(group) = &self.group {
            group.freeze();
        }
    }

    /// Lets it go on after `freeze`.
    pub fn thaw(&self) {
        if let Some(group) = &self.group {
            group.thaw();
        }
    }

    /// Stops it cleanly, starts it where it was and waits until it answers.
    pub fn restart(&mut self, interrupt: &Interrupt) -> Result<(), ServerError> {
        self.start_again()?;
        self.wait_until_ready(interrupt)
    }

    /// What it takes of the machine; nothing after it was stopped.
    pub fn usage(&self) -> Usage {
        self.pid().map(Usage::of).unwrap_or_default()
    }

    /// Stops it as its operator would, and waits until it has ended.
    pub fn stop(&mut self) {
        self.group = None;
    }

    /// Waits until it answers.
    pub fn wait_until_ready(&mut self, interrupt: &Interrupt) -> Result<(), ServerError> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            interrupt.check()?;
            self.check()?;
            let problem = match self.greeting.is_answered(self.port) {
                Ok(true) => return Ok(()),
                Ok(false) => "refuses to serve".to_owned(),
                Err(error) => format!("does not answer ({error})"),
            };
            if Instant::now() > deadline {
                return Err(self.failure(format!("{problem} after {DEADLINE:?}")));
            }
            thread::sleep(POLL);
        }
    }

    /// An error if it has ended.
    pub fn check(&mut self) -> Result<(), ServerError> {
        let Some(group) = &mut self.group else {
            return Err(self.failure("was stopped".to_owned()));
        };
        match group.exited()? {
            Some(status) => Err(self.failure(format!("ended ({status})"))),
            None => Ok(()),
        }
    }

    fn failure(&self, problem: String) -> ServerError {
        ServerError::NotReady { name: self.name, problem, log: last_lines(&self.log) }
    }
}
