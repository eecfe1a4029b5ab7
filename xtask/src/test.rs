//! `cargo xtask test`: every test of the workspace, on private servers.

use std::process::{Command, ExitCode, ExitStatus};
use std::time::Instant;

use crate::process::{self, Interrupt};
use crate::servers::{self, Servers};
use crate::{Failure, packages, python, workspace};

/// What the whole workspace is built with. The binaries and the tests must agree on it, or
/// everything that they have in common is compiled twice.
pub(crate) const WHOLE: [&str; 2] = ["--workspace", "--all-features"];

/// How many tests run at once. Most of them wait, for a mail or a minute: so more than there are
/// cores.
const TEST_THREADS: &str = "RUST_TEST_THREADS";

/// Runs the tests; `arguments` go on to `cargo test`. The exit code is that of the tests.
pub(crate) fn run(arguments: &[String], interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    let started_by_tests = vec![packages::POOLER, packages::CLOCK, packages::PROMETHEUS];
    let needed = [servers::needed_packages(), started_by_tests, packages::for_the_pages()].concat();
    packages::ensure(&needed, interrupt)?;
    let schemathesis = python::SCHEMATHESIS.ensure(interrupt)?;
    let consumer_python = python::EVENT_CONSUMER.ensure(interrupt)?;
    let dkimverify = python::DKIMPY.ensure(interrupt)?;
    // Read before the build, which replaces the file that this program runs from.
    let binaries = workspace::binaries().map_err(Failure::Folder)?;

    let started = Instant::now();
    process::succeed(&mut build_command(), interrupt)?;
    let built = started.elapsed();

    let started = Instant::now();
    let servers = Servers::start(interrupt)?;
    let ready = started.elapsed();

    let started = Instant::now();
    let mut tests = test_command(arguments);
    tests
        .envs(servers.environment())
        .env("TEST_BIN_DIR", binaries)
        .env("TEST_SCHEMATHESIS", schemathesis)
        .env("TEST_CONSUMER_PYTHON", consumer_python)
        .env("TEST_DKIMVERIFY", dkimverify);
    let status = process::run(&mut tests, interrupt)?;
    let tested = started.elapsed();

    drop(servers);
    eprintln!(
        "xtask: binaries built in {built:.0?}, servers ready in {ready:.1?}, tests built and run in {tested:.0?}: {}",
        if status.success() { "all tests passed" } else { "FAILED" }
    );
    Ok(exit_code(status))
}

/// Builds the binaries that the tests start. `--examples` brings the features of the
/// dev-dependencies, which `cargo test` switches on: so what is built here is what it finds built.
pub(crate) fn build_command() -> Command {
    let mut command = workspace::cargo();
    command.arg("build").args(WHOLE).args(["--bins", "--examples"]);
    command
}

/// `cargo test`, not yet told what to test.
pub(crate) fn cargo_test() -> Command {
    let mut command = workspace::cargo();
    command.args(["test", "--no-fail-fast"]);
    if std::env::var_os(TEST_THREADS).is_none() {
        command.env(TEST_THREADS, "4");
    }
    command
}

/// `cargo test` for the whole workspace, unless the arguments choose packages.
fn test_command(arguments: &[String]) -> Command {
    let arguments = arguments.strip_prefix(&["--".to_owned()]).unwrap_or(arguments);
    let own = arguments.iter().take_while(|argument| *argument != "--");
    let mut command = cargo_test();
    if own.into_iter().any(|argument| chooses_packages(argument)) {
        command.arg("--all-features");
    } else {
        command.args(WHOLE);
    }
    command.args(arguments);
    command
}

fn chooses_packages(argument: &str) -> bool {
    let long = argument == "--package" || argument.starts_with("--package=");
    long || (argument.starts_with("-p") && !argument.starts_with("--"))
}

pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    match status.code().map(u8::try_from) {
        Some(Ok(code)) => ExitCode::from(code),
        _ => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &str) -> Vec<String> {
        let words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
        test_command(&words).get_args().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn everything_is_tested_unless_told_otherwise() {
        assert_eq!(arguments("").join(" "), "test --no-fail-fast --workspace --all-features");
    }

    #[test]
    fn arguments_reach_cargo_and_the_tests() {
        assert!(
            arguments("-- activate -- --nocapture").join(" ").ends_with(" activate -- --nocapture")
        );
        assert!(arguments("--test contract").join(" ").ends_with(" --test contract"));
    }

    #[test]
    fn a_chosen_package_replaces_the_workspace() {
        for choice in ["-p domain", "-pdomain", "--package domain", "--package=domain"] {
            assert!(!arguments(choice).contains(&"--workspace".to_owned()), "{choice}");
        }
        assert!(arguments("name -- -p").contains(&"--workspace".to_owned()));
    }
}
