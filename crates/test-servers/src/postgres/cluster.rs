//! How a cluster comes into being.

use std::path::Path;
use std::process::Command;

use super::disk::Disk;
use super::programs;
use crate::error::ServerError;
use crate::log::{last_lines, log_to};
use crate::process::{Group, Interrupt, ProcessError, Signal, text, tied_to_us};

/// PostgreSQL refuses to run as root; its package made a user for it.
pub(super) fn user() -> Option<&'static str> {
    rustix::process::geteuid().is_root().then_some("postgres")
}

/// Makes a new cluster in the folder `data`.
pub(super) fn create(
    data: &Path,
    disk: Option<&Disk>,
    log: &Path,
    interrupt: &Interrupt,
) -> Result<(), ServerError> {
    let folder = disk.map_or_else(|| data.to_owned(), |disk| disk.seen_from_outside(data));
    std::fs::create_dir(&folder)
        .map_err(|source| ServerError::Folder { path: data.to_owned(), source })?;
    let user = user();
    if let Some(user) = user {
        let mut chown = Command::new("chown");
        run(chown.arg(format!("{user}:")).arg(folder), log, interrupt)?;
    }
    let mut command = tied_to_us(user, "TERM", &programs::find("initdb")?);
    command.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
    command.arg("-D").arg(data);
    match disk {
        // Small segments of the log: a full disk is noticed after 1 MB instead of 16. Synchronised,
        // since what was not written when the disk breaks is lost with the whole cluster.
        Some(disk) => command = disk.enter(command.arg("--wal-segsize=1")),
        None => {
            command.arg("--no-sync");
        }
    }
    run(&mut command, log, interrupt)
}

fn run(command: &mut Command, log: &Path, interrupt: &Interrupt) -> Result<(), ServerError> {
    log_to(command, log)?;
    match Group::start(command, Signal::TERM)?.wait(interrupt)? {
        status if status.success() => Ok(()),
        status => Err(ServerError::NotReady {
            name: programs::NAME,
            problem: format!(
                "cannot be prepared: {}",
                ProcessError::Failed { program: text(command), status }
            ),
            log: last_lines(log),
        }),
    }
}
