//! `cargo xtask faults` starts this: a run with its ledger on standard output.
#![expect(clippy::print_stdout, reason = "the ledger is the output")]

mod arguments;
mod mutations;

use std::process::ExitCode;
use std::time::Duration;

use acceptance::Deployment;
use faults::ledger::Ledger;
use faults::program::tell_panics;
use faults::run::{RunError, run};
use faults::schedule::{Schedule, Seed};
use test_servers::Interrupt;

use arguments::{Arguments, Task};

fn main() -> ExitCode {
    // A surprise is one sentence, too, and everything is stopped all the same.
    tell_panics("faults");
    match perform() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("faults: {error}");
            ExitCode::FAILURE
        }
    }
}

fn perform() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let interrupt = Interrupt::catch()?;
    let seed = arguments.seed.unwrap_or_else(Seed::fresh);
    match arguments.task {
        Task::CheckMutations => {
            mutations::check(seed, &interrupt)?;
            Ok(ExitCode::SUCCESS)
        }
        Task::Mutant(breaks) => {
            let ledger = judge(Deployment::Distributed, &mutations::schedule(seed), &interrupt)?;
            println!("{ledger}");
            Ok(exit_code(breaks.map_or(ledger.holds(), |rule| ledger.shows(rule))))
        }
        Task::Judge => {
            let command = arguments.command(seed);
            eprintln!("faults: {command}");
            let length = Duration::from_secs(60 * arguments.minutes);
            let schedule = Schedule::new(seed, length, arguments.deployment);
            let ledger = judge(arguments.deployment, &schedule, &interrupt)?;
            println!("`{command}`\n\n{ledger}");
            Ok(exit_code(ledger.holds()))
        }
    }
}

fn judge(
    deployment: Deployment,
    schedule: &Schedule,
    interrupt: &Interrupt,
) -> Result<Ledger, RunError> {
    acceptance::runtime().block_on(run(deployment, schedule, interrupt))
}

fn exit_code(is_good: bool) -> ExitCode {
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
