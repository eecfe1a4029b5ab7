//! The command line.

use crate::scenario::Scenario;

/// What to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) scenarios: Vec<Scenario>,
}

/// What is wrong with a command line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgumentError {
    #[error("--only needs the name of a scenario after it: {}", names())]
    NoName,
    #[error("`{name}` is not a scenario; there are {}", names())]
    Scenario { name: String },
    #[error("{0} is unknown; there is --only NAME")]
    Unknown(String),
}

impl Arguments {
    /// Without `--only` these are all scenarios; it can be given several times.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, ArgumentError> {
        let mut scenarios = Vec::new();
        while let Some(word) = words.next() {
            if word != "--only" {
                return Err(ArgumentError::Unknown(word));
            }
            let name = words.next().ok_or(ArgumentError::NoName)?;
            let found = Scenario::ALL.into_iter().find(|scenario| scenario.name() == name);
            scenarios.push(found.ok_or(ArgumentError::Scenario { name })?);
        }
        if scenarios.is_empty() {
            scenarios.extend(Scenario::ALL);
        }
        Ok(Self { scenarios })
    }
}

fn names() -> String {
    Scenario::ALL.map(Scenario::name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Vec<Scenario>, String> {
        let words = line.split_whitespace().map(str::to_owned);
        let arguments = Arguments::parse(words).map_err(|error| error.to_string());
        arguments.map(|arguments| arguments.scenarios)
    }

    #[test]
    fn all_scenarios_are_played_unless_some_are_named() {
        assert_eq!(parse(""), Ok(Scenario::ALL.to_vec()));
        let [scenario, ..] = Scenario::ALL;
        assert_eq!(parse(&format!("--only {scenario}")), Ok(vec![scenario]));
    }

    #[test]
    fn what_cannot_be_read_is_named_with_what_there_is() {
        for (line, part) in [
            ("--only", "--only needs"),
            ("--only x", "`x` is not a scenario"),
            ("x", "x is unknown"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(part) && !error.contains('\n'), "{error}");
        }
    }
}
