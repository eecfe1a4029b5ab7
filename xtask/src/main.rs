//! `cargo xtask`: the project's own commands, in Rust so that a checkout needs nothing else.
//!
//! It must never leave a process behind or touch a server that it did not start.

mod arrows;
mod bench;
mod check;
mod clusters;
mod compose;
mod deny;
mod failure;
mod faults;
mod kubernetes;
mod npm;
mod packages;
mod process;
mod python;
mod release;
mod servers;
mod test;
mod unit_test;
mod valkey;
mod workspace;

use std::process::ExitCode;

use compose::ComposeOptions;
use failure::Failure;
use process::Interrupt;

const USAGE: &str = "\
Usage: cargo xtask <command>

  test [--] [arguments of cargo test]
           every test, on private servers that are started and stopped for it;
           TEST_POSTGRES_URL, TEST_REDIS_URL, TEST_AMQP_URL name servers to use instead
  test --unit [a part of a test's name]
           in seconds, what needs no server, browser or built binary: the tests within
           libraries and binaries, the doctests, and the executables in `tests` of every
           crate but `acceptance` and those of `adapters` that test against a server
  compose [--backlog EVENTS] [--images official]
           compose.yaml on a container engine of its own with images made here, which needs
           root: starts, kills, restarts, and a backlog of 50,000 events; `official` uses
           the Docker of this machine and the images that compose.yaml names
  release [--debug]
           archive, Debian package, bills of materials and checksums in target/dist; installs,
           uses and removes the package on a systemd in namespaces, which needs root;
           `--debug` takes the binaries of the tests
  bench [--help] [options]
           what a registration costs and how long it takes: released binaries on private
           servers; prints a table and writes target/bench/report.md
  faults [--minutes N] [--seed S] [--standalone]
           breaks a system under load on a schedule that follows from the seed, and prints a
           ledger of what became of each request and mail; starts its own servers, as root
  faults --mutations
           shows that the ledger notices when the code is broken on purpose
  clusters [--only NAME]
           plays scenarios of stores that are more than one server, under load: a node or a
           primary is lost, and nothing that was accepted; starts its own servers. Without
           `--only` also the tests of what is stored in Redis, on Valkey
  servers  start the private servers, print their addresses, run until Ctrl-C
  check    formatting, `arrows`, `deny`, compose.yaml, clippy and rustdoc with warnings denied
  arrows   which package, module and file may depend on which
  deny     licences, banned crates and sources of the dependencies";

/// What a shell reports for a command that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let interrupt = match Interrupt::catch() {
        Ok(interrupt) => interrupt,
        Err(error) => return fail(&error, ExitCode::FAILURE),
    };
    match run(&arguments, &interrupt) {
        Ok(code) => code,
        Err(failure) if interrupt.check().is_err() => fail(&failure, ExitCode::from(INTERRUPTED)),
        Err(failure) => fail(&failure, ExitCode::FAILURE),
    }
}

fn fail(error: &impl std::fmt::Display, code: ExitCode) -> ExitCode {
    eprintln!("xtask: {error}");
    code
}

fn run(arguments: &[String], interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    match arguments.split_first().map(|(command, rest)| (command.as_str(), rest)) {
        Some(("test", [first, rest @ ..])) if first == "--unit" => unit_test::run(rest, interrupt),
        Some(("test", rest)) => test::run(rest, interrupt),
        Some(("compose", rest)) => match ComposeOptions::parse(rest) {
            Some(options) => compose::run(&options, interrupt),
            None => Ok(refuse()),
        },
        Some(("release", rest)) => release::run(rest, interrupt).unwrap_or_else(|| Ok(refuse())),
        Some(("bench", rest)) => bench::run(rest, interrupt),
        Some(("faults", rest)) => faults::run(rest, interrupt),
        Some(("clusters", rest)) => clusters::run(rest, interrupt),
        Some(("servers", [])) => servers::run(interrupt),
        Some(("check", [])) => check::run(interrupt),
        Some(("arrows", [])) => Ok(arrows::check().map(|()| ExitCode::SUCCESS)?),
        Some(("deny", [])) => deny::run(interrupt),
        Some(("help" | "--help" | "-h", _)) => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => Ok(refuse()),
    }
}

fn refuse() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}
