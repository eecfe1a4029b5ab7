//! `cargo xtask clusters` starts this: the services on stores that are more than one server, under
//! load, while one of the servers is lost.
//!
//! A [`scenario::Scenario`] says what becomes of the servers; the load, the mail server and the
//! ledger are those of `faults`.
#![expect(clippy::print_stdout, reason = "the table is the output")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a scenario fails at the first surprise that no rule is about"
)]

mod arguments;
mod gaps;
mod leftovers;
mod observer;
mod scenario;
mod scenarios;
mod sql;
mod stage;
mod system;
mod table;
mod trial;
mod verdict;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use faults::program::{interrupted, tell_panics};
use test_servers::{Interrupt, ProcessError, ServerError};

use arguments::Arguments;
use scenario::Scenario;
use stage::Stage;
use table::{Line, Table};
use verdict::Verdict;

fn main() -> ExitCode {
    tell_panics("clusters");
    match perform() {
        Ok(table) => {
            println!("{table}");
            if table.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("clusters: {error}");
            ExitCode::FAILURE
        }
    }
}

fn perform() -> Result<Table, Box<dyn std::error::Error>> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let interrupt = Interrupt::catch()?;
    let stage = Stage::set_up(&interrupt)?;
    let mut table = Table::default();
    for scenario in arguments.scenarios {
        eprintln!("clusters: {scenario}: {}", scenario.description());
        let started = Instant::now();
        let verdict = play(scenario, &stage);
        interrupt.check()?;
        let line = Line { scenario, took: started.elapsed(), verdict };
        eprintln!("clusters: {line}");
        table.lines.push(line);
    }
    Ok(table)
}

/// A surprise in one scenario does not end the others.
fn play(scenario: Scenario, stage: &Stage) -> Verdict {
    let played = catch_unwind(AssertUnwindSafe(|| {
        acceptance::runtime().block_on(async {
            tokio::select! {
                verdict = scenario.play(stage) => verdict,
                () = interrupted(stage.interrupt()) => {
                    Err(ServerError::Process(ProcessError::Interrupted))
                }
            }
        })
    }));
    match played {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(error)) => Verdict::failure(error.to_string()),
        Err(_) => Verdict::failure("it ended with the surprise that is named above".to_owned()),
    }
}
