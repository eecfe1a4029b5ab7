//! How long nothing went on: the longest wait between two registrations that were accepted, and
//! between two mails.

use std::time::Duration;

use faults::evidence::{At, Evidence};

/// The longest waits of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gaps {
    /// Between answers 201 to registrations.
    pub(crate) registrations: Duration,
    /// Between mails.
    pub(crate) mails: Duration,
}

impl Gaps {
    /// Those while clients came, from `first` to `last`.
    pub(crate) fn of(evidence: &Evidence, first: At, last: At) -> Self {
        let accepted = evidence.histories.iter().flat_map(|history| {
            let accepted = history.registrations().filter(|exchange| exchange.has_status(201));
            accepted.map(|exchange| exchange.ended)
        });
        let mails = evidence.mails.iter().map(|copy| copy.at);
        Self { registrations: longest(accepted, first, last), mails: longest(mails, first, last) }
    }
}

fn longest(moments: impl Iterator<Item = At>, first: At, last: At) -> Duration {
    let within = moments.filter(|moment| (first..=last).contains(moment));
    let mut moments: Vec<At> = within.chain([first, last]).collect();
    moments.sort();
    moments.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_is_found_at_the_ends_too() {
        let seconds = |moments: &[u64]| {
            let moments = moments.iter().copied().map(Duration::from_secs);
            longest(moments, Duration::from_secs(2), Duration::from_secs(10)).as_secs()
        };
        assert_eq!(seconds(&[3, 9, 4, 12, 5]), 4);
        assert_eq!(seconds(&[1, 7, 9]), 5);
        assert_eq!(seconds(&[]), 8);
    }
}
