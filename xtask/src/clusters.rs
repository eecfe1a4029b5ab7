//! `cargo xtask clusters`: the services on stores that are more than one server.

use std::path::Path;
use std::process::{Command, ExitCode};

use test_servers::Redis;

use crate::process::{self, Interrupt};
use crate::servers::Servers;
use crate::test::{WHOLE, build_command, cargo_test, exit_code};
use crate::{Failure, packages, servers, valkey, workspace};

/// Builds the binaries and runs the program `clusters`, which takes the arguments.
pub(crate) fn run(arguments: &[String], interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    // It starts servers of its own, because it kills them.
    let needed = [servers::all_packages(), vec![packages::POOLER]].concat();
    packages::ensure(&needed, interrupt)?;
    let valkey = valkey::ensure(interrupt)?;
    // Read before the build, which replaces the file that this program runs from.
    let binaries = workspace::binaries().map_err(Failure::Folder)?;
    process::succeed(&mut build_command(), interrupt)?;
    let mut command = Command::new(binaries.join("clusters"));
    command.args(arguments).env("TEST_BIN_DIR", &binaries).env("TEST_VALKEY_SERVER", &valkey);
    let played = process::run(&mut command, interrupt)?;
    if arguments.is_empty() && played.success() {
        return test_on(&valkey, interrupt);
    }
    Ok(exit_code(played))
}

/// Runs the tests of what is stored in Redis on this program in its place.
fn test_on(program: &Path, interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    let servers = Servers::start_only_redis(program, interrupt)?;
    let mut tests = cargo_test();
    tests.args(WHOLE).args(["--test", "counters"]);
    tests.env(Redis::PROGRAM_VARIABLE, program).envs(servers.environment());
    Ok(exit_code(process::run(&mut tests, interrupt)?))
}
