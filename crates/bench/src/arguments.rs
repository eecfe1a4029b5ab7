//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::BenchError;
use crate::scenarios::{SCENARIOS, Scenario};

/// What to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// How many times each scenario runs; the report has the medians.
    pub runs: usize,
    /// The scenarios to run, by name; none: all that do not take long.
    pub only: Vec<String>,
    /// How long each load lasts.
    pub duration: Duration,
    /// Only show that everything works.
    pub is_short: bool,
    /// The folder to write the report to; None: `bench` in cargo's target folder.
    pub report: Option<PathBuf>,
}

/// What the program does when it is started.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Measure.
    Measure(Arguments),
    /// Print how it is used.
    Help,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            runs: 5,
            only: Vec::new(),
            duration: Duration::from_secs(10),
            is_short: false,
            report: None,
        }
    }
}

/// Reads the command line, without the program's name.
pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Action, BenchError> {
    let mut arguments = Arguments::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let mut value =
            || words.next().ok_or_else(|| BenchError::Arguments(format!("{word} needs a value")));
        match word.as_str() {
            "--runs" => arguments.runs = positive(&value()?)?,
            "--seconds" => {
                let seconds = positive(&value()?)?;
                arguments.duration =
                    Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
            }
            "--only" => arguments.only.push(scenario(value()?)?),
            "--report" => arguments.report = Some(value()?.into()),
            "--short" => {
                arguments.is_short = true;
                arguments.runs = 1;
                arguments.duration = Duration::from_secs(2);
            }
            "--help" | "-h" => return Ok(Action::Help),
            other => return Err(BenchError::Arguments(format!("{other} is not known"))),
        }
    }
    Ok(Action::Measure(arguments))
}

fn positive(text: &str) -> Result<usize, BenchError> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| BenchError::Arguments(format!("{text} is not a positive number")))
}

fn scenario(name: String) -> Result<String, BenchError> {
    if SCENARIOS.iter().any(|scenario| scenario.name == name) {
        return Ok(name);
    }
    let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    Err(BenchError::Arguments(format!("{name} is not one of {}", names.join(", "))))
}

/// How the program is used.
pub fn help() -> String {
    let usage = "\
Usage: cargo xtask bench [options]

  --runs N       how many times each scenario runs (5)
  --seconds N    how long each load lasts (10)
  --only NAME    this scenario; can be given several times
  --short        one run of two seconds of the first load, to show that everything works
  --report PATH  the folder for report.md and its plots (target/bench)

Scenarios:
";
    let line = |scenario: &Scenario| {
        let note = if scenario.is_long { " (long: only where it is named)" } else { "" };
        format!("  {:14} {}{note}\n", scenario.name, scenario.summary)
    };
    usage.to_owned() + &SCENARIOS.iter().map(line).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(line: &str) -> Result<Arguments, String> {
        match parse(line.split_whitespace().map(str::to_owned)) {
            Ok(Action::Measure(arguments)) => Ok(arguments),
            Ok(Action::Help) => Err("help".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn options_are_read() {
        assert_eq!(measure(""), Ok(Arguments::default()));
        let arguments = measure("--runs 3 --seconds 20 --only saturation --only start").unwrap();
        assert_eq!((arguments.runs, arguments.duration), (3, Duration::from_secs(20)));
        assert_eq!(arguments.only, ["saturation", "start"]);
        assert_eq!(measure("--short").unwrap().runs, 1);
        assert_eq!(measure("-h"), Err("help".to_owned()));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        for (line, part) in [
            ("--runs", "--runs needs a value"),
            ("--runs 0", "0 is not a positive number"),
            ("--only nothing", "is not one of start, saturation"),
            ("--fast", "--fast is not known; try --help"),
        ] {
            let error = measure(line).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_help_names_every_scenario() {
        for scenario in &SCENARIOS {
            assert!(help().contains(scenario.name));
        }
    }
}
