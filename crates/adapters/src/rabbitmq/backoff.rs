//! How long to wait before the next attempt to connect: longer each time, and never in step with the
//! other processes that have lost the same broker.

use std::time::Duration;

pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, next: min }
    }

    /// Starts over, after a success.
    pub(super) fn reset(&mut self) {
        self.next = self.min;
    }

    /// Between half the current delay and all of it; the current delay doubles up to the maximum.
    pub(super) fn next_delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = self.next.saturating_mul(2).min(self.max);
        delay.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_maximum_and_differ() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        for whole in [100, 200, 400, 800, 1000, 1000] {
            let delay = backoff.next_delay();
            assert!(delay >= Duration::from_millis(whole / 2), "{delay:?}");
            assert!(delay <= Duration::from_millis(whole), "{delay:?}");
        }
        backoff.reset();
        assert!(backoff.next_delay() <= Duration::from_millis(100));
    }
}
