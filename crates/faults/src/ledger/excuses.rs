//! Which faults explain what would otherwise be wrong. Each is as narrow as the product's promises
//! (ARCHITECTURE.md).

use std::time::Duration;

use super::case::Case;
use crate::evidence::{At, Copy, Observed};
use crate::schedule::{Fault, Part};

/// How long it may take to record that a mail was accepted, timeouts included.
const RECORDING: Duration = Duration::from_secs(3);

/// How long a worker holds the lease to send a mail. One that is stopped for longer loses it, and
/// so does one that cannot renew it.
const LEASE: Duration = Duration::from_secs(15);

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
            // It died, or was held up, before the acceptance was recorded.
            Fault::Killed(Part::Worker(_) | Part::Standalone) => {
                observed.overlaps(earlier.at, recorded)
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
