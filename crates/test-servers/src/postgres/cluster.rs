//! How a cluster comes into being.

use std::path::Path;
use std::process::Command;

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
    user: Option<&str>,
    data: &Path,
    log: &Path,
    interrupt: &Interrupt,
) -> Result<(), ServerError> {
    let failed = |source| ServerError::Folder { path: data.to_owned(), source };
    std::fs::create_dir(data).map_err(failed)?;
    if let Some(user) = user {
        let mut chown = Command::new("chown");
        run(chown.arg(format!("{user}:")).arg(data), log, interrupt)?;
    }
    let mut command = tied_to_us(user, "TERM", &programs::find("initdb")?);
    command.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
    run(command.arg("--no-sync").arg("-D").arg(data), log, interrupt)
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
