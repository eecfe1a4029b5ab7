//! `cargo xtask bench`: what a registration costs, measured on the released binaries.

use std::process::{Command, ExitCode};

use crate::process::{self, Interrupt};
use crate::test::exit_code;
use crate::{Failure, packages, servers, workspace};

/// Built apart: the features that the benchmark's own dependencies need must not reach the services.
const BUILDS: [&[&str]; 2] =
    [&["--package", "registration-api", "--package", "email-worker"], &["--package", "bench"]];

/// Builds and measures; `arguments` go on to the benchmark.
pub(crate) fn run(arguments: &[String], interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    // It starts servers of its own, whatever the environment names.
    packages::ensure(&servers::all_packages(), interrupt)?;
    for packages in BUILDS {
        let mut build = workspace::cargo();
        build.args(["build", "--release", "--bins"]).args(packages);
        process::succeed(&mut build, interrupt)?;
    }
    let folder = workspace::target().map_err(Failure::Folder)?.join("release");
    let mut bench = Command::new(folder.join("bench"));
    Ok(exit_code(process::run(bench.args(arguments), interrupt)?))
}
