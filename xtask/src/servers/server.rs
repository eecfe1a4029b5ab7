//! What the kinds of servers have in common.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::packages::Package;
use crate::process::{Group, Interrupt, ProcessError};

/// A kind of server that the tests need.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// The environment variable that tells the tests its URL.
    pub(super) variable: &'static str,
    pub(super) package: Package,
    /// Starts one with its data in the given folder; it need not be ready yet.
    pub(super) start: fn(&Path, &Interrupt) -> Result<Server, ServerError>,
}

/// A started server.
pub(super) struct Server {
    pub(super) url: String,
    pub(super) port: u16,
    pub(super) greeting: Greeting,
    pub(super) log: PathBuf,
    /// The server itself, then what it needs beside it; stopped in this order.
    pub(super) groups: Vec<Group>,
}

/// Why a server is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    #[error("cannot prepare a folder for the servers: {0}")]
    Folder(#[source] std::io::Error),
    #[error("no port between 20000 and 30000 is free on the loopback address")]
    NoPort,
    #[error("{name} {problem}. The end of its log:\n{log}")]
    NotReady { name: &'static str, problem: String, log: String },
    #[error("cannot find {0}")]
    NotInstalled(&'static str),
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// What to say to a server, and the first byte of what it says when it is ready.
pub(super) struct Greeting {
    pub(super) send: Vec<u8>,
    pub(super) answer: u8,
}

impl Kind {
    /// Whether the environment names one.
    pub(super) fn is_given(&self) -> bool {
        std::env::var_os(self.variable).is_some_and(|url| !url.is_empty())
    }
}

impl Server {
    /// An error if it has ended.
    pub(super) fn check(&mut self, name: &'static str) -> Result<(), ServerError> {
        for group in &mut self.groups {
            if let Some(status) = group.exited()? {
                return Err(self.failure(name, format!("ended ({status})")));
            }
        }
        Ok(())
    }

    pub(super) fn failure(&self, name: &'static str, problem: String) -> ServerError {
        ServerError::NotReady { name, problem, log: last_lines(&self.log) }
    }
}

/// As many different ports as asked for, each free a moment ago. They lie below those that the
/// kernel gives to outgoing connections, so that no client can take one before its server does.
pub(super) fn free_ports<const N: usize>() -> Result<[u16; N], ServerError> {
    const FIRST: u64 = 20_000;
    const COUNT: u64 = 10_000;
    // Random, so that runs side by side do not try the same ports at the same time.
    let start = RandomState::new().build_hasher().finish() % COUNT;
    let candidates = (0..COUNT).map(|step| FIRST + (start + step) % COUNT);
    let free = candidates
        .filter_map(|port| u16::try_from(port).ok())
        .filter(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok());
    free.take(N).collect::<Vec<_>>().try_into().map_err(|_| ServerError::NoPort)
}

/// Sends what `command` prints to a new file `log`.
pub(super) fn log_to(command: &mut Command, log: &Path) -> Result<(), ServerError> {
    let file = File::create(log).map_err(ServerError::Folder)?;
    command.stderr(file.try_clone().map_err(ServerError::Folder)?).stdout(Stdio::from(file));
    Ok(())
}

/// The last lines of a log, indented; for an error.
pub(super) fn last_lines(log: &Path) -> String {
    const LINES: usize = 20;
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    let indented = |line: &&str| ["    ", *line].concat();
    let last = lines[lines.len().saturating_sub(LINES)..].iter().map(indented);
    last.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    pub(super) fn free_ports_differ() {
        let ports = free_ports::<8>().unwrap();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 8);
    }

    #[test]
    fn the_end_of_a_log_is_kept_short() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let lines: Vec<_> = (1..=100).map(|number| format!("line {number}")).collect();
        std::fs::write(log.path(), lines.join("\n")).unwrap();
        let end = last_lines(log.path());
        assert!(end.starts_with("    line 81\n") && end.ends_with("    line 100"), "{end}");
    }
}
