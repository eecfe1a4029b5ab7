//! How a cluster comes into being.

use std::os::unix::fs::DirBuilderExt;
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
    make_folder(data, &folder, log, interrupt)?;
    let mut command = tied_to_us(user(), "TERM", &programs::find("initdb")?);
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

/// Makes a standby in the folder `data`, a copy of the primary of this URL.
pub(super) fn copy(
    primary_url: &str,
    data: &Path,
    log: &Path,
    interrupt: &Interrupt,
) -> Result<(), ServerError> {
    make_folder(data, data, log, interrupt)?;
    let mut command = tied_to_us(user(), "TERM", &programs::find("pg_basebackup")?);
    command.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
    command.args(["--dbname", primary_url, "-D"]).arg(data);
    run(&mut command, log, interrupt)
}

/// Makes the folder `data`, which is `folder` to this process, and gives it to the server.
fn make_folder(
    data: &Path,
    folder: &Path,
    log: &Path,
    interrupt: &Interrupt,
) -> Result<(), ServerError> {
    // The server refuses data that others may read.
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(folder)
        .map_err(|source| ServerError::Folder { path: data.to_owned(), source })?;
    if let Some(user) = user() {
        let mut chown = Command::new("chown");
        run(chown.arg(format!("{user}:")).arg(folder), log, interrupt)?;
    }
    Ok(())
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
