//! What reads the code instead of running it: formatting, arrows, licences, deployments, lints,
//! documentation. Quick ones first.

use std::process::ExitCode;

use crate::process::{Interrupt, succeed};
use crate::{Failure, arrows, compose, deny, kubernetes, workspace};

pub(crate) fn run(interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    succeed(workspace::cargo().args(["fmt", "--all", "--check"]), interrupt)?;
    arrows::check()?;
    deny::run(interrupt)?;
    compose::check(interrupt)?;
    kubernetes::check(interrupt)?;
    // The features are those that the tests are built with, so that both share what build scripts
    // made.
    let clippy =
        ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    succeed(workspace::cargo().args(clippy), interrupt)?;
    let doc = ["doc", "--workspace", "--no-deps", "--all-features"];
    succeed(workspace::cargo().args(doc).env("RUSTDOCFLAGS", "-D warnings"), interrupt)?;
    eprintln!(
        "xtask: formatting, arrows, licences, compose.yaml, deploy/kubernetes, lints and \
         documentation are in order"
    );
    Ok(ExitCode::SUCCESS)
}
