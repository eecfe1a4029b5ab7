//! `cargo xtask faults` starts this: a run with its ledger on standard output.
#![expect(clippy::print_stdout, reason = "the ledger is the output")]

use std::process::ExitCode;
use std::time::Duration;

use acceptance::Deployment;
use faults::run::run;
use faults::schedule::{Schedule, Seed};
use test_servers::Interrupt;

mod arguments;

use arguments::Arguments;

fn main() -> ExitCode {
    // A surprise is one sentence, too, and everything is stopped all the same.
    std::panic::set_hook(Box::new(|panic| eprintln!("faults: {}", message(panic))));
    match perform() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("faults: {error}");
            ExitCode::FAILURE
        }
    }
}

fn message(panic: &std::panic::PanicHookInfo<'_>) -> String {
    let text = panic.payload_as_str().unwrap_or("something unexpected happened");
    panic.location().map_or(text.to_owned(), |location| format!("{text} ({location})"))
}

fn perform() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let interrupt = Interrupt::catch()?;
    let seed = arguments.seed.unwrap_or_else(Seed::fresh);
    let length = Duration::from_secs(60 * arguments.minutes);
    let schedule = Schedule::new(seed, length, arguments.deployment);
    let standalone =
        if arguments.deployment == Deployment::Standalone { " --standalone" } else { "" };
    let command =
        format!("cargo xtask faults --minutes {} --seed {seed}{standalone}", arguments.minutes);
    eprintln!("faults: {command}");
    let ledger =
        acceptance::runtime().block_on(run(arguments.deployment, &schedule, &interrupt))?;
    println!("`{command}`\n\n{ledger}");
    Ok(if ledger.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
