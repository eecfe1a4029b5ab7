//! What needs no server: formatting, lints, dependency arrows, licences. The quick ones go first.

use std::process::ExitCode;

use crate::process::{Interrupt, succeed};
use crate::{Failure, arrows, deny, workspace};

pub(crate) fn run(interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    succeed(workspace::cargo().args(["fmt", "--all", "--check"]), interrupt)?;
    arrows::check()?;
    deny::run(interrupt)?;
    // The features are those that the tests are built with, so that both share what build scripts made.
    let clippy = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    succeed(workspace::cargo().args(clippy), interrupt)?;
    eprintln!("xtask: formatting, arrows, licences and lints are in order");
    Ok(ExitCode::SUCCESS)
}
