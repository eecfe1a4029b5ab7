//! `cargo xtask bench` builds and runs this.

use std::path::PathBuf;
use std::process::ExitCode;

use bench::BenchError;
use bench::arguments::{self, Action, Arguments};
use bench::machine::{Conditions, raise_limit};
use bench::report::Report;
use bench::scenarios::{Context, SCENARIOS, Scenario};
use bench::system::{Servers, Sink};
use test_servers::Interrupt;

/// What the short form runs.
const SHORT: [&str; 2] = ["start", "saturation"];

fn main() -> ExitCode {
    let result = match arguments::parse(std::env::args().skip(1)) {
        Ok(Action::Measure(arguments)) => measure(&arguments),
        Ok(Action::Help) => {
            print!("{}", arguments::help());
            Ok(())
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<(), BenchError> {
    let interrupt = Interrupt::catch()?;
    raise_limit()?;
    let mut conditions = Conditions::read();
    conditions.add("runs", format!("{} of {:?} per load", arguments.runs, arguments.duration));
    let servers = Servers::start(&interrupt)?;
    let sink = Sink::start()?;
    let mut report = Report::default();
    let measured = run_all(arguments, &interrupt, &servers, &sink, &mut report);
    conditions.add_load_average("load average after");
    // What was measured before a failure is kept as well.
    print!("{}", report.table());
    let folder = arguments.report.clone().map_or_else(default_folder, Ok)?;
    report.write(&folder, &conditions)?;
    eprintln!("bench: the report is {}", folder.join("report.md").display());
    if measured.is_err() {
        let logs = folder.join("logs");
        servers.keep_logs(&logs)?;
        eprintln!("bench: the logs of the scenario that failed are in {}", logs.display());
    }
    measured
}

fn run_all(
    arguments: &Arguments,
    interrupt: &Interrupt,
    servers: &Servers,
    sink: &Sink,
    report: &mut Report,
) -> Result<(), BenchError> {
    let duration = arguments.duration;
    for run in 1..=arguments.runs {
        let mut context = Context { servers, sink, interrupt, duration, saturation: None };
        for scenario in SCENARIOS.iter().filter(|scenario| is_chosen(scenario, arguments)) {
            eprintln!("bench: run {run} of {}: {}", arguments.runs, scenario.name);
            report.add(scenario.name, (scenario.run)(&mut context)?);
        }
    }
    Ok(())
}

fn is_chosen(scenario: &Scenario, arguments: &Arguments) -> bool {
    if !arguments.only.is_empty() {
        arguments.only.iter().any(|name| name == scenario.name)
    } else if arguments.is_short {
        SHORT.contains(&scenario.name)
    } else {
        !scenario.is_long
    }
}

/// `bench` in cargo's target folder, which this program lies in the folder of a profile of.
fn default_folder() -> Result<PathBuf, BenchError> {
    let own = std::env::current_exe().map_err(BenchError::io("find cargo's target folder"))?;
    Ok(own.ancestors().nth(2).map(PathBuf::from).unwrap_or_default().join("bench"))
}
