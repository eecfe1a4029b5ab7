//! Which faults explain what would otherwise be wrong. Each is as narrow as the product's promises
//! (ARCHITECTURE.md).

use std::time::Duration;

use super::case::Case;
use crate::evidence::{At, Copy, Delivery, Observed};
use crate::schedule::{Fault, Part};

/// How long it may take to record that a mail or a webhook was accepted, timeouts included.
const RECORDING: Duration = Duration::from_secs(3);

/// How long a worker holds the lease to send a mail, and a relay at most that of an event. One that
/// is stopped for longer loses it, and so does one that cannot renew it.
const LEASE: Duration = Duration::from_secs(15);

/// How long a mail server that is slow may take to accept a mail, whose sender may be dead by then.
const ACCEPTANCE: Duration = Duration::from_secs(5);

impl Case<'_> {
    /// The fault that explains why a mail was sent again after `earlier`.
    pub(super) fn cause_of_duplicate(&self, earlier: &Copy, later: &Copy) -> Option<String> {
        if !earlier.told {
            return Some("the mail server did not say that it had accepted the mail".into());
        }
        let recorded = earlier.at + RECORDING;
        let explains = |observed: &&Observed| match observed.fault {
            // The reply was lost on its way.
            Fault::Network(Part::Smtp, _) => observed.overlaps(earlier.at, recorded),
            // It died before the acceptance was recorded, of the first copy or of one that was sent
            // before it and accepted later.
            Fault::Killed(Part::Worker(_) | Part::Standalone) => {
                observed.overlaps(earlier.at, recorded)
                    || observed.overlaps(later.at.saturating_sub(ACCEPTANCE), later.at)
            }
            // Another worker took over, and then this one went on.
            Fault::Stopped(Part::Worker(_)) => {
                observed.overlaps(earlier.at, recorded)
                    || observed.overlaps(later.at.saturating_sub(LEASE), later.at)
            }
            fault if fault.loses_codes() => {
                observed.overlaps(earlier.at.saturating_sub(LEASE), later.at)
            }
            // The acceptance could not be recorded, or the lease not be renewed.
            fault if fault.part() == Some(Part::Redis) => {
                observed.overlaps(earlier.at.saturating_sub(LEASE), recorded)
            }
            _ => false,
        };
        self.evidence.faults.iter().find(explains).map(|observed| observed.fault.to_string())
    }

    /// The fault that explains why an event was sent to the webhook again after `earlier`.
    pub(super) fn cause_of_repetition(
        &self,
        earlier: &Delivery,
        later: &Delivery,
    ) -> Option<String> {
        if !earlier.told {
            return Some("the receiver did not say that it had taken the event".into());
        }
        let (leased, recorded) = (earlier.at.saturating_sub(LEASE), earlier.at + RECORDING);
        let explains = |observed: &&Observed| match observed.fault {
            // The answer was lost on its way, or the relay died before the event was deleted.
            Fault::Network(Part::Receiver, _) | Fault::Killed(Part::Api(_) | Part::Standalone) => {
                observed.overlaps(earlier.at, recorded)
            }
            // Another relay took over, and then this one went on.
            Fault::Stopped(Part::Api(_) | Part::Standalone) => {
                observed.overlaps(earlier.at, recorded)
                    || observed.overlaps(later.at.saturating_sub(LEASE), later.at)
            }
            // Leases end by the wall clock.
            Fault::Clock(Part::Standalone, _) => observed.overlaps(leased, later.at),
            // The event could not be deleted.
            fault if fault.part() == Some(Part::Postgres) => observed.overlaps(leased, recorded),
            _ => false,
        };
        self.evidence.faults.iter().find(explains).map(|observed| observed.fault.to_string())
    }

    /// How many times in a span the codes and the guesses spent on them began anew, the first
    /// included.
    pub(super) fn epochs(&self, from: At, to: At) -> usize {
        let faults = self.evidence.faults.iter();
        1 + faults
            .filter(|observed| observed.fault.loses_codes() && observed.overlaps(from, to))
            .count()
    }

    /// Whether a fault explains that a code which was mailed at `mailed` was not known, or not known
    /// to be mailed, in a request that was answered at `answered`.
    pub(super) fn may_have_lost_window(&self, mailed: At, answered: At) -> bool {
        let from = mailed.saturating_sub(self.terms.window);
        self.evidence.faults.iter().any(|observed| {
            let may_lose = match observed.fault {
                Fault::Killed(_) | Fault::Stopped(_) => true,
                fault => matches!(fault.part(), Some(Part::Redis | Part::Postgres)),
            };
            may_lose && observed.overlaps(from, answered)
        })
    }
}

impl Fault {
    /// Whether codes, and what was spent on them, are forgotten.
    pub(super) fn loses_codes(self) -> bool {
        matches!(self, Self::RedisEmptied | Self::Killed(Part::Redis | Part::Standalone))
    }
}
