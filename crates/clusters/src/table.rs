//! The result of all scenarios, as a table, and below it what went wrong.

use std::fmt;
use std::time::Duration;

use faults::ledger::Rule;

use crate::scenario::Scenario;
use crate::verdict::Verdict;

/// One line per scenario.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) lines: Vec<Line>,
}

/// A scenario and what became of it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) scenario: Scenario,
    pub(crate) took: Duration,
    pub(crate) verdict: Verdict,
}

impl Table {
    /// Whether everything is as it should be.
    pub(crate) fn holds(&self) -> bool {
        self.lines.iter().all(|line| line.verdict.holds())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| scenario | took | registered | mailed | duplicates | longest wait for a registration, \
             a mail | | |\n|---|---|---|---|---|---|---|---|"
        )?;
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        for Line { scenario, verdict, .. } in self.lines.iter().filter(|l| !l.verdict.holds()) {
            writeln!(f, "\n{scenario}: {}", scenario.description())?;
            for problem in &verdict.problems {
                writeln!(f, "  {problem}")?;
            }
            if let Some(ledger) = verdict.ledger.as_ref().filter(|ledger| !ledger.holds()) {
                writeln!(f, "\n{ledger}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, took, verdict } = self;
        let [registered, mailed, duplicates] =
            [Rule::EnoughAccepted, Rule::AcceptedIsMailed, Rule::DuplicatesHaveCause]
                .map(|rule| verdict.found(rule));
        let gaps = verdict.gaps.map(|gaps| {
            let [registrations, mails] = [gaps.registrations, gaps.mails].map(|g| g.as_secs_f64());
            format!("{registrations:.1} s, {mails:.1} s")
        });
        let (gaps, notes) = (gaps.unwrap_or_default(), verdict.notes.join("; "));
        let (took, result) = (took.as_secs_f64(), if verdict.holds() { "ok" } else { "FAILED" });
        write!(
            f,
            "| {scenario} | {took:.0} s | {registered} | {mailed} | {duplicates} | {gaps} | {notes} \
             | {result} |"
        )
    }
}
