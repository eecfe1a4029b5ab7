//! The command line.

use acceptance::Deployment;
use faults::ledger::Rule;
use faults::schedule::{Seed, SeedError};

/// How long a run lasts that nobody has said more about.
const MINUTES: u64 = 5;

/// What to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) minutes: u64,
    /// None: one that no run has used yet.
    pub(crate) seed: Option<Seed>,
    pub(crate) deployment: Deployment,
    pub(crate) task: Task,
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// To see whether the ledger holds.
    Judge,
    /// To see whether the ledger notices mutations of the code.
    CheckMutations,
    /// To see whether this rule is broken, or that none is: what `CheckMutations` starts.
    Mutant(Option<Rule>),
}

/// What is wrong with a command line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgumentError {
    #[error("`{0}` is not a number of minutes: give a whole number from 1")]
    Minutes(String),
    #[error(transparent)]
    Seed(#[from] SeedError),
    #[error("{0} needs a value after it")]
    NoValue(String),
    #[error("`{0}` is not a rule of the ledger")]
    Rule(String),
    #[error("{0} is unknown; there are --minutes N, --seed S, --standalone and --mutations")]
    Unknown(String),
}

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, ArgumentError> {
        let mut arguments = Self {
            minutes: MINUTES,
            seed: None,
            deployment: Deployment::Distributed,
            task: Task::Judge,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| ArgumentError::NoValue(word.clone()));
            match word.as_str() {
                "--minutes" => arguments.minutes = minutes(value()?)?,
                "--seed" => arguments.seed = Some(value()?.parse()?),
                "--mutations" => arguments.task = Task::CheckMutations,
                "--mutant" => arguments.task = Task::Mutant(rule(value()?)?),
                "--standalone" => arguments.deployment = Deployment::Standalone,
                _ => return Err(ArgumentError::Unknown(word)),
            }
        }
        Ok(arguments)
    }

    /// The command that repeats this with a seed.
    pub(crate) fn command(&self, seed: Seed) -> String {
        let standalone =
            if self.deployment == Deployment::Standalone { " --standalone" } else { "" };
        format!("cargo xtask faults --minutes {} --seed {seed}{standalone}", self.minutes)
    }
}

fn minutes(text: String) -> Result<u64, ArgumentError> {
    match text.parse() {
        Ok(minutes @ 1..) => Ok(minutes),
        _ => Err(ArgumentError::Minutes(text)),
    }
}

fn rule(text: String) -> Result<Option<Rule>, ArgumentError> {
    let found = Rule::ALL.into_iter().find(|rule| format!("{rule:?}") == text);
    match text.as_str() {
        "none" => Ok(None),
        _ => found.map(Some).ok_or(ArgumentError::Rule(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        let words = line.split_whitespace().map(str::to_owned);
        Arguments::parse(words).map_err(|error| error.to_string())
    }

    #[test]
    fn a_command_line_is_read() {
        let (deployment, task) = (Deployment::Distributed, Task::Judge);
        assert_eq!(parse(""), Ok(Arguments { minutes: MINUTES, seed: None, deployment, task }));
        let task = Task::CheckMutations;
        let expected = Arguments { minutes: MINUTES, seed: None, deployment, task };
        assert_eq!(parse("--mutations"), Ok(expected));
        let (deployment, task) = (Deployment::Standalone, Task::Mutant(Some(Rule::CodesWorkOnce)));
        let expected = Arguments { minutes: 20, seed: Some(Seed(7)), deployment, task };
        let line = "--seed 7 --standalone --minutes 20 --mutant CodesWorkOnce";
        assert_eq!(parse(line), Ok(expected));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (line, part) in [
            ("--seed x", "`x` is not a seed"),
            ("--seed", "--seed needs a value"),
            ("--minutes 0", "`0` is not a number of minutes"),
            ("--hours 1", "--hours is unknown"),
            ("--mutant x", "`x` is not a rule"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(part) && !error.contains('\n'), "{error}");
        }
    }
}
