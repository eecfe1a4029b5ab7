//! What became of the processes, the servers and the run itself.

use super::case::Case;
use super::row::{Row, Violation};
use crate::evidence::{Ended, Leftover, Usage};

pub(super) fn faults_had_effect(case: &Case<'_>) -> Row {
    let faults = &case.evidence.faults;
    let failures = faults.iter().filter_map(|observed| {
        let problem = observed.effect.as_ref().err()?;
        let begin = observed.begin.as_secs_f64();
        Some(Violation::general(format!("{begin:.1}: {}: {problem}", observed.fault)))
    });
    let violations: Vec<Violation> = failures.collect();
    let found = (faults.len() - violations.len()).to_string();
    Row::new("faults seen to have an effect", faults.len().to_string(), found, violations)
}

pub(super) fn processes_survive(case: &Case<'_>) -> Row {
    let ends = case.evidence.ends.iter().map(|Ended { process, at, status }| {
        Violation::general(format!("{:.1}: {process} ended: {status}", at.as_secs_f64()))
    });
    let violations: Vec<Violation> = ends.collect();
    Row::new("processes that ended by themselves", "0", violations.len().to_string(), violations)
}

pub(super) fn nothing_is_left(case: &Case<'_>) -> Row {
    let left = case.evidence.leftovers.iter().filter(|leftover| leftover.count > 0);
    let violations: Vec<Violation> = left
        .map(|Leftover { place, count }| Violation::general(format!("{place}: {count}")))
        .collect();
    let total: u64 = case.evidence.leftovers.iter().map(|leftover| leftover.count).sum();
    let found = format!("{total} in {} places", case.evidence.leftovers.len());
    Row::new("left in outbox and queues", "0", found, violations)
}

pub(super) fn return_to_where_they_were(case: &Case<'_>) -> Row {
    let usages = &case.evidence.usages;
    let grown = usages.iter().filter(|usage| !usage.has_returned());
    let violations: Vec<Violation> = grown
        .map(|Usage { of, quantity, before, after }| {
            Violation::general(format!("{of}: {before} {} before, {after} after", quantity.name()))
        })
        .collect();
    let found = (usages.len() - violations.len()).to_string();
    let rule = "memory, descriptors, threads, connections given back";
    Row::new(rule, usages.len().to_string(), found, violations)
}
