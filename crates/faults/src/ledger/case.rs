//! The evidence of a run, ordered for the rules.

use std::collections::BTreeMap;

use crate::evidence::{Copy, Evidence, History, Terms};

/// What the rules look at.
pub(super) struct Case<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) terms: &'a Terms,
    /// The mails to each address, oldest first.
    mails: BTreeMap<&'a str, Vec<&'a Copy>>,
}

impl<'a> Case<'a> {
    pub(super) fn new(evidence: &'a Evidence, terms: &'a Terms) -> Self {
        let mut mails: BTreeMap<&str, Vec<&Copy>> = BTreeMap::new();
        for copy in &evidence.mails {
            mails.entry(copy.to.as_str()).or_default().push(copy);
        }
        Self { evidence, terms, mails }
    }

    /// The mails to an account, oldest first.
    pub(super) fn mails_to(&self, history: &History) -> &[&'a Copy] {
        self.mails.get(history.email.as_str()).map_or(&[], Vec::as_slice)
    }
}
