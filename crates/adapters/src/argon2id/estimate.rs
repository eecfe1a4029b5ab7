//! How long a job takes, learned from those that were done.

use std::time::Duration;

/// The share of a new measurement.
const WEIGHT: u32 = 8;

/// A measurement counts as at most so many times the estimate: a process that was stopped for
/// seconds must not believe that its hashes take seconds, and refuse everybody.
const CAP: u32 = 4;

/// A moving average. Zero until something was measured.
#[derive(Debug, Default)]
pub(super) struct Estimate(Duration);

impl Estimate {
    pub(super) fn learn(&mut self, took: Duration) {
        if self.0.is_zero() {
            self.0 = took;
            return;
        }
        let took = took.min(self.0 * CAP);
        self.0 = (self.0 * (WEIGHT - 1) + took) / WEIGHT;
    }

    /// How long `jobs` take on `threads`.
    pub(super) fn of(&self, jobs: usize, threads: usize) -> Duration {
        let each = self.0 / u32::try_from(threads.max(1)).unwrap_or(u32::MAX);
        each.saturating_mul(u32::try_from(jobs).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Duration = Duration::from_millis(16);

    #[test]
    fn it_follows_what_is_measured() {
        let mut estimate = Estimate::default();
        assert_eq!(estimate.of(5, 1), Duration::ZERO);
        estimate.learn(USUAL);
        assert_eq!(estimate.of(5, 2), USUAL * 5 / 2);
        (0..100).for_each(|_| estimate.learn(USUAL * 2));
        assert!(estimate.of(1, 1) > USUAL * 19 / 10 && estimate.of(1, 1) <= USUAL * 2);
        (0..100).for_each(|_| estimate.learn(USUAL));
        assert!(estimate.of(1, 1) < USUAL * 11 / 10);
    }

    #[test]
    fn one_measurement_does_not_spoil_it() {
        let mut estimate = Estimate::default();
        estimate.learn(USUAL);
        // Both threads were stopped for five seconds.
        (0..2).for_each(|_| estimate.learn(Duration::from_secs(5)));
        assert!(estimate.of(1, 1) < USUAL * 2);
    }

    #[test]
    fn after_a_stop_the_usual_is_expected_again_soon_however_many_threads_were_stopped() {
        for threads in [1, 2, 16, 256] {
            let mut estimate = Estimate::default();
            estimate.learn(USUAL);
            (0..threads).for_each(|_| estimate.learn(Duration::from_secs(5)));
            assert!(estimate.of(1, 1) <= Duration::from_secs(5));
            // These are done in any case: a free thread takes a job whatever is expected.
            (0..50).for_each(|_| estimate.learn(USUAL));
            assert!(estimate.of(1, 1) < USUAL * 2, "{threads} threads");
        }
    }
}
