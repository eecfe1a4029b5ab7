//! How long to wait before each attempt to connect: longer each time, and not in step with other
//! processes that have lost the same broker.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// Delays that double from the first to the longest, each shortened at random by up to a half. They
/// never end.
pub(super) struct ReconnectDelays {
    delays: ExponentialBackoff,
    longest: Duration,
}

impl ReconnectDelays {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        // The jitter adds up to the delay itself: the sum is between half the delay and all of it.
        let delays = ExponentialBuilder::new()
            .with_min_delay(first / 2)
            .with_max_delay(longest / 2)
            .without_max_times()
            .with_jitter()
            .build();
        Self { delays, longest }
    }

    pub(super) fn next_delay(&mut self) -> Duration {
        self.delays.next().unwrap_or(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_longest_and_differ() {
        let new = || ReconnectDelays::new(Duration::from_millis(100), Duration::from_secs(1));
        let (mut delays, mut others) = (new(), new());
        let mut differ = false;
        for whole in [100, 200, 400, 800, 1000, 1000] {
            let delay = delays.next_delay();
            assert!(delay >= Duration::from_millis(whole / 2), "{delay:?}");
            assert!(delay <= Duration::from_millis(whole), "{delay:?}");
            differ |= delay != others.next_delay();
        }
        assert!(differ);
    }
}
