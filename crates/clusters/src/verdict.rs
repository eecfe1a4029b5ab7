//! What became of a trial.

use faults::ledger::{Ledger, Rule};

use crate::gaps::Gaps;

/// What was seen, and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Of what the clients and the mail server saw.
    pub(crate) ledger: Option<Ledger>,
    /// How long nothing went on.
    pub(crate) gaps: Option<Gaps>,
    /// What the scenario has to tell, for the table.
    pub(crate) notes: Vec<String>,
    /// What is not as it should be, beside what the ledger has.
    pub(crate) problems: Vec<String>,
}

impl Verdict {
    /// Of a trial that did not come to its end.
    pub(crate) fn failure(problem: String) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }

    /// Whether everything is as it should be.
    pub(crate) fn holds(&self) -> bool {
        self.problems.is_empty() && self.ledger.as_ref().is_none_or(Ledger::holds)
    }

    /// Adds what the scenario has seen itself.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Adds a problem unless all is well.
    pub(crate) fn expect(&mut self, is_well: bool, problem: impl Into<String>) {
        if !is_well {
            self.problems.push(problem.into());
        }
    }

    /// What the ledger has found about a rule.
    pub(crate) fn found(&self, rule: Rule) -> &str {
        let rows = self.ledger.iter().flat_map(|ledger| &ledger.rows);
        rows.filter(|(of, _)| *of == rule).map(|(_, row)| row.found.as_str()).next().unwrap_or("")
    }
}
