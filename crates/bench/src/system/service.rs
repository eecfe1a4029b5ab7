//! One process of the product.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use test_servers::{Group, Interrupt, Signal};

use crate::error::BenchError;

/// How long a service may take to start.
const READY: Duration = Duration::from_secs(30);
/// How often it is asked; what it takes to start is known no better.
const POLL: Duration = Duration::from_millis(1);

/// A running service, until it is dropped.
#[derive(Debug)]
pub struct Service {
    group: Group,
    /// Where it tells its metrics.
    operator: u16,
    /// From its start until it was ready.
    pub started_in: Duration,
}

/// How a service is started.
#[derive(Debug)]
pub(super) struct Program<'a> {
    pub(super) name: &'static str,
    pub(super) binaries: &'a Path,
    /// `section.key` and value.
    pub(super) settings: &'a [(String, String)],
    pub(super) log: PathBuf,
    /// The port of its operator's listener.
    pub(super) operator: u16,
}

impl Program<'_> {
    /// Runs a command of it to its end.
    pub(super) fn run(&self, argument: &str, interrupt: &Interrupt) -> Result<(), BenchError> {
        let mut command = self.command()?;
        let status = Group::start(command.arg(argument), Signal::TERM)?.wait(interrupt)?;
        if status.success() { Ok(()) } else { Err(self.failure(Duration::ZERO)) }
    }

    /// Starts it and waits until `/health/ready` at this port says so.
    pub(super) fn start(&self, port: u16, interrupt: &Interrupt) -> Result<Service, BenchError> {
        let started = Instant::now();
        let mut group = Group::start(&mut self.command()?, Signal::TERM)?;
        while !is_ready(port) {
            interrupt.check()?;
            if started.elapsed() > READY || group.exited()?.is_some() {
                return Err(self.failure(READY));
            }
            thread::sleep(POLL);
        }
        Ok(Service { group, operator: self.operator, started_in: started.elapsed() })
    }

    /// Of our own environment it gets the PATH only. The kernel ends it when we end.
    fn command(&self) -> Result<Command, BenchError> {
        let log = File::create(&self.log).map_err(BenchError::io("write a log"))?;
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig=KILL", "--"])
            .arg(self.binaries.join(self.name))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.settings.iter().map(|(key, value)| {
                let name = key.to_uppercase().replace('.', "__");
                (format!("REGISTRATION__{name}"), value)
            }))
            .stdout(log.try_clone().map_err(BenchError::io("write a log"))?)
            .stderr(log);
        Ok(command)
    }

    fn failure(&self, waited: Duration) -> BenchError {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let log = lines[lines.len().saturating_sub(20)..].join("\n");
        BenchError::NotReady { service: self.name, seconds: waited.as_secs(), log }
    }
}

impl Service {
    /// The identifier of its process.
    pub fn pid(&self) -> u32 {
        self.group.pid()
    }

    /// Its metrics, as Prometheus reads them.
    pub(super) fn metrics(&self) -> io::Result<String> {
        let mut stream = ask(self.operator, "/metrics")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

fn is_ready(port: u16) -> bool {
    let ready = || -> io::Result<bool> {
        let mut head = [0; 12];
        ask(port, "/health/ready")?.read_exact(&mut head)?;
        Ok(head.ends_with(b"200"))
    };
    ready().unwrap_or(false)
}

/// Sends a request and returns the stream to read the answer from.
fn ask(port: u16, path: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}
