//! What the service reveals about an address to clients that do not own it.

use std::time::Duration;

use tokio::time::Instant;

/// In conceal mode, the time that an operation spends after the password is hashed is rounded up to
/// a multiple of this. A commit or an attempt takes only a few milliseconds longer than a refusal,
/// even on a busy machine, so the step hides the difference.
const CONCEALING_STEP: Duration = Duration::from_millis(100);

/// What is revealed about an address that somebody has registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExistingAccount {
    /// That it is taken, and why a code was refused.
    Reveal,
    /// Nothing: a free, a pending and an active address get the same answers, and the owner of an
    /// active account is told by mail.
    Conceal,
}

/// Sleeps until a whole number of steps has passed since `started`.
pub(super) async fn wait_for_full_step(started: Instant) {
    let steps = started.elapsed().as_millis() / CONCEALING_STEP.as_millis() + 1;
    let steps = u32::try_from(steps).unwrap_or(u32::MAX);
    tokio::time::sleep_until(started + CONCEALING_STEP * steps).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn asvs_6_3_8_time_is_rounded_up_to_whole_steps() {
        for (spent, rounded) in
            [(0, 100), (1, 100), (99, 100), (100, 200), (130, 200), (1_001, 1_100)]
        {
            let started = Instant::now();
            tokio::time::advance(Duration::from_millis(spent)).await;
            wait_for_full_step(started).await;
            assert_eq!(started.elapsed(), Duration::from_millis(rounded), "after {spent} ms");
        }
    }
}
