//! A private PostgreSQL cluster, trusting everyone who can reach the loopback address.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use super::server::{Greeting, Kind, Server, ServerError, free_ports, last_lines, log_to};
use crate::packages::Package;
use crate::process::{Group, Interrupt, ProcessError, find_program, text, tied_to_us};

const NAME: &str = "PostgreSQL";

pub(super) const KIND: Kind = Kind {
    name: NAME,
    variable: "TEST_POSTGRES_URL",
    package: Package {
        name: "postgresql",
        find: || program("initdb").and_then(|_| program("postgres")),
    },
    start,
};

/// A program of the newest installed version. Debian keeps them off the PATH, a folder for each
/// version.
fn program(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(version_of(folder)));
    find_program(name, &folders)
}

fn version_of(folder: &Path) -> Option<u32> {
    folder.parent()?.file_name()?.to_str()?.parse().ok()
}

fn start(folder: &Path, interrupt: &Interrupt) -> Result<Server, ServerError> {
    let [port] = free_ports()?;
    let log = folder.join("log");
    // PostgreSQL refuses to run as root; the package made a user for it.
    let user = rustix::process::geteuid().is_root().then_some("postgres");
    let data = folder.join("data");
    create_cluster(user, &data, &log, interrupt)?;

    let postgres = program("postgres").ok_or(ServerError::NotInstalled("postgres"))?;
    let mut command = tied_to_us(user, "QUIT", &postgres);
    command.arg("-D").arg(&data).args([
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        &format!("port={port}"),
    ]);
    command.args(["-c", "unix_socket_directories=", "-c", "max_connections=300"]);
    // A power cut loses this cluster, and nobody minds: the tests kill our processes, not the
    // machine.
    command.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
    log_to(&mut command, &log)?;
    Ok(Server {
        url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
        port,
        greeting: Greeting { send: startup_message(), answer: b'R' },
        log,
        // SIGQUIT is PostgreSQL's immediate shutdown; it gives its shared memory back, unlike after
        // SIGKILL.
        groups: vec![Group::start(&mut command, Signal::QUIT)?],
    })
}

fn create_cluster(
    user: Option<&str>,
    data: &Path,
    log: &Path,
    interrupt: &Interrupt,
) -> Result<(), ServerError> {
    std::fs::create_dir(data).map_err(ServerError::Folder)?;
    if let Some(user) = user {
        let mut chown = Command::new("chown");
        run_logged(chown.arg(format!("{user}:")).arg(data), log, interrupt)?;
    }
    let initdb = program("initdb").ok_or(ServerError::NotInstalled("initdb"))?;
    let mut command = tied_to_us(user, "TERM", &initdb);
    command.args([
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
    ]);
    run_logged(command.arg("-D").arg(data), log, interrupt)
}

fn run_logged(command: &mut Command, log: &Path, interrupt: &Interrupt) -> Result<(), ServerError> {
    log_to(command, log)?;
    match Group::start(command, Signal::TERM)?.wait(interrupt)? {
        status if status.success() => Ok(()),
        status => Err(ServerError::NotReady {
            name: NAME,
            problem: format!(
                "cannot be prepared: {}",
                ProcessError::Failed { program: text(command), status }
            ),
            log: last_lines(log),
        }),
    }
}

/// The first message of a client of protocol 3.0; the answer begins with `R` (authentication) once
/// the server serves, and with `E` while it still starts.
fn startup_message() -> Vec<u8> {
    let parameters = b"user\0postgres\0database\0postgres\0\0";
    let length = u8::try_from(8 + parameters.len()).unwrap_or(u8::MAX);
    [&[0, 0, 0, length, 0, 3, 0, 0][..], parameters].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_told_by_number() {
        let version = |path: &str| version_of(Path::new(path));
        assert!(version("/usr/lib/postgresql/17/bin") > version("/usr/lib/postgresql/9/bin"));
        assert_eq!(version("/usr/lib/postgresql/main/bin"), None);
    }

    #[test]
    fn the_startup_message_states_its_length() {
        let message = startup_message();
        assert_eq!(usize::from(message[3]), message.len());
    }
}
