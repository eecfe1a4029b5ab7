//! The command line.

use acceptance::Deployment;
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
    #[error("{0} is unknown; there are --minutes N, --seed S and --standalone")]
    Unknown(String),
}

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, ArgumentError> {
        let mut arguments =
            Self { minutes: MINUTES, seed: None, deployment: Deployment::Distributed };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| ArgumentError::NoValue(word.clone()));
            match word.as_str() {
                "--minutes" => arguments.minutes = minutes(value()?)?,
                "--seed" => arguments.seed = Some(value()?.parse()?),
                "--standalone" => arguments.deployment = Deployment::Standalone,
                _ => return Err(ArgumentError::Unknown(word)),
            }
        }
        Ok(arguments)
    }
}

fn minutes(text: String) -> Result<u64, ArgumentError> {
    match text.parse() {
        Ok(minutes @ 1..) => Ok(minutes),
        _ => Err(ArgumentError::Minutes(text)),
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
        let deployment = Deployment::Distributed;
        assert_eq!(parse(""), Ok(Arguments { minutes: MINUTES, seed: None, deployment }));
        let deployment = Deployment::Standalone;
        let seed = Some(Seed(7));
        let expected = Arguments { minutes: 20, seed, deployment };
        assert_eq!(parse("--seed 7 --standalone --minutes 20"), Ok(expected));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (line, part) in [
            ("--seed x", "`x` is not a seed"),
            ("--seed", "--seed needs a value"),
            ("--minutes 0", "`0` is not a number of minutes"),
            ("--hours 1", "--hours is unknown"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(part) && !error.contains('\n'), "{error}");
        }
    }
}
