//! Breaks the code on purpose, one promise at a time, and shows that the ledger notices.
//!
//! Each mutation is a patch to a copy of the sources, so that no release can contain it. The
//! unchanged code has to pass the same schedule with the same seed.

mod schedule;
mod sources;

use std::path::Path;
use std::process::Command;

use faults::ledger::Rule;
use faults::schedule::Seed;
use test_servers::{Group, Interrupt, Signal};

pub(crate) use schedule::schedule;
pub(crate) use sources::MutationError;
use sources::Sources;

/// A change to the code, and the rule of the ledger that it breaks.
struct Mutation {
    /// The name of its patch.
    name: &'static str,
    breaks: Rule,
}

const MUTATIONS: [Mutation; 6] = [
    Mutation { name: "ack-before-mail", breaks: Rule::AcceptedIsMailed },
    Mutation { name: "delete-before-confirm", breaks: Rule::AcceptedIsMailed },
    Mutation { name: "no-confirm", breaks: Rule::AcceptedIsMailed },
    Mutation { name: "publish-without-mandatory", breaks: Rule::AcceptedIsMailed },
    Mutation { name: "no-lease", breaks: Rule::DuplicatesHaveCause },
    Mutation { name: "compare-before-counting", breaks: Rule::GuessesStayInBudget },
];

/// Runs the unchanged code and each mutation; an error names those that the ledger does not notice.
pub(crate) fn check(seed: Seed, interrupt: &Interrupt) -> Result<(), MutationError> {
    let unchanged = std::env::current_exe().map_err(MutationError::Folder)?;
    let binaries = unchanged.parent().unwrap_or(&unchanged);
    let sources = Sources::copy(&binaries.join("../mutations"))?;
    for mutation in &MUTATIONS {
        sources.check_patch(mutation.name)?;
    }
    eprintln!("faults: the unchanged code has to pass");
    if !passes(binaries, None, seed, interrupt)? {
        return Err(MutationError::UnchangedFails);
    }
    let mut unnoticed = Vec::new();
    for Mutation { name, breaks } in &MUTATIONS {
        eprintln!("faults: {name} has to break {breaks:?}");
        let mutated = sources.mutate(name, interrupt)?;
        if !passes(&mutated, Some(*breaks), seed, interrupt)? {
            unnoticed.push(*name);
        }
        sources.revert(name)?;
    }
    if !unnoticed.is_empty() {
        return Err(MutationError::Unnoticed(unnoticed.join(", ")));
    }
    println!("the ledger catches each of {} mutations", MUTATIONS.len());
    Ok(())
}

/// Runs the schedule of the mutations on these binaries, in a process of its own. True if the
/// ledger breaks this rule, or holds if none is named.
fn passes(
    binaries: &Path,
    breaks: Option<Rule>,
    seed: Seed,
    interrupt: &Interrupt,
) -> Result<bool, MutationError> {
    let program = std::env::current_exe().map_err(MutationError::Folder)?;
    let mut command = Command::new(program);
    command.args(["--seed", &seed.to_string(), "--mutant"]);
    command.arg(breaks.map_or("none".to_owned(), |rule| format!("{rule:?}")));
    command.env("TEST_BIN_DIR", binaries);
    let status = Group::start(&mut command, Signal::INT)?.wait(interrupt)?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_patch_applies_and_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        let sources = Sources::copy(folder.path()).unwrap();
        for mutation in &MUTATIONS {
            sources.check_patch(mutation.name).unwrap();
        }
        let error = sources.check_patch("no-such-patch").unwrap_err();
        assert!(error.to_string().contains("no-such-patch"), "{error}");
        let patches = std::fs::read_dir(sources::PATCHES).unwrap();
        let files: BTreeSet<String> =
            patches.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        let listed = MUTATIONS.map(|mutation| format!("{}.patch", mutation.name));
        assert_eq!(files, BTreeSet::from(listed));
    }
}
