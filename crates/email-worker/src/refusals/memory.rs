//! What is remembered of mails that were refused, and of those that were accepted since.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::EventId;

/// A mail that is refused so often, over such a time, while others are accepted, is refused because
/// of its recipient.
const REFUSALS_OF_ONE: u32 = 5;
const SPAN_OF_ONE: Duration = Duration::from_hours(1);

/// So many refusals in a row, of so many domains, are not about their recipients.
pub(super) const REFUSALS_OF_ALL: u32 = 20;
pub(super) const DOMAINS_OF_ALL: usize = 3;

/// How many refused events are remembered.
pub(super) const CAPACITY: usize = 10_000;

/// One attempt to send the mail that an event asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) event: EventId,
    /// The recipient's domain.
    pub(crate) domain: &'a str,
    /// Since the Unix epoch.
    pub(crate) now: Duration,
}

#[derive(Default)]
pub(super) struct Memory {
    /// How many mails were accepted.
    acceptances: u64,
    /// How many were refused since the last of them, and of which domains.
    pub(super) refusals: u32,
    domains: BTreeSet<String>,
    pub(super) are_all_refused: bool,
    /// The oldest event first.
    events: BTreeMap<EventId, RefusedEvent>,
}

struct RefusedEvent {
    first: Duration,
    refusals: u32,
    /// How many mails had been accepted at the last refusal.
    acceptances: u64,
}

impl Memory {
    /// Returns whether this ends a time in which all were refused.
    pub(super) fn accept(&mut self, event: EventId) -> bool {
        self.acceptances += 1;
        self.refusals = 0;
        self.domains.clear();
        self.events.remove(&event);
        std::mem::take(&mut self.are_all_refused)
    }

    /// Returns whether from this refusal on they count as refusals of everybody.
    pub(super) fn count_refusal(&mut self, domain: &str) -> bool {
        self.refusals = self.refusals.saturating_add(1);
        if self.domains.len() < DOMAINS_OF_ALL {
            self.domains.insert(domain.to_ascii_lowercase());
        }
        let are_all_refused =
            self.refusals >= REFUSALS_OF_ALL && self.domains.len() >= DOMAINS_OF_ALL;
        !std::mem::replace(&mut self.are_all_refused, are_all_refused) && are_all_refused
    }

    /// Returns whether the event has been refused so often, while others were accepted, that its
    /// recipient is why. "While" means that one was accepted since the last refusal, not at some
    /// time before.
    pub(super) fn remember(&mut self, Attempt { event, now, .. }: Attempt<'_>) -> bool {
        let acceptances = self.acceptances;
        let new = || RefusedEvent { first: now, refusals: 0, acceptances };
        let refused = self.events.entry(event).or_insert_with(new);
        refused.refusals = refused.refusals.saturating_add(1);
        let were_others_accepted =
            acceptances > std::mem::replace(&mut refused.acceptances, acceptances);
        let is_old = now.saturating_sub(refused.first) >= SPAN_OF_ONE;
        let is_recipients = refused.refusals >= REFUSALS_OF_ONE && is_old && were_others_accepted;
        if self.events.len() > CAPACITY {
            self.events.pop_first();
        }
        is_recipients
    }

    /// How many events and domains are remembered.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.events.len(), self.domains.len())
    }
}
