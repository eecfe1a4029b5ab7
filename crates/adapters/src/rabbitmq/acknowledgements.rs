//! Which deliveries may be acknowledged, and when. They are gathered for a moment, since nobody
//! waits for an acknowledgement and the broker writes each to its log; a delivery that is not
//! acknowledged in time comes again, and its mail is not sent again.

use std::collections::BTreeSet;
use std::time::Duration;

use lapin::Channel;
use lapin::options::BasicAckOptions;
use tokio::time::{Instant, sleep_until};

/// How long settled deliveries are gathered.
const GATHERING: Duration = Duration::from_millis(5);

/// One part in so many of the prefetch is enough: the broker sends no more than the rest until it
/// has an acknowledgement.
const ENOUGH: usize = 4;

/// The deliveries of one channel, by their tags, which the broker counts up.
pub(super) struct Acknowledgements {
    enough: usize,
    in_hand: BTreeSet<u64>,
    settled: BTreeSet<u64>,
    /// When the first of the settled ones was settled.
    since: Instant,
}

/// An acknowledgement to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acknowledgement {
    tag: u64,
    /// Whether it is also for every delivery before this one.
    multiple: bool,
}

impl Acknowledgements {
    pub(super) fn new(prefetch: u16) -> Self {
        let enough = (usize::from(prefetch) / ENOUGH).max(1);
        let (in_hand, settled) = Default::default();
        Self { enough, in_hand, settled, since: Instant::now() }
    }

    /// Adds a delivery that has arrived.
    pub(super) fn add(&mut self, tag: u64) {
        self.in_hand.insert(tag);
    }

    /// Notes that nothing of a delivery can be lost any more.
    pub(super) fn settle(&mut self, tag: u64) {
        if self.settled.is_empty() {
            self.since = Instant::now();
        }
        self.in_hand.remove(&tag);
        self.settled.insert(tag);
    }

    /// Whether nothing may be acknowledged.
    pub(super) fn is_empty(&self) -> bool {
        self.settled.is_empty()
    }

    /// Returns when it is worthwhile to send what was settled.
    pub(super) async fn time_to_send(&self) {
        if self.settled.len() < self.enough {
            sleep_until(self.since + GATHERING).await;
        }
    }

    /// What acknowledges the settled deliveries and no other: as few as possible. Must reach the
    /// broker before what is taken next, since it closes the channel over a tag that it does not
    /// expect any more.
    pub(super) fn take(&mut self) -> Vec<Acknowledgement> {
        let others = match self.in_hand.first() {
            Some(first) => self.settled.split_off(first),
            None => BTreeSet::new(),
        };
        let before = std::mem::take(&mut self.settled);
        let multiple = before.len() > 1;
        let last = before.last().map(|tag| Acknowledgement { tag: *tag, multiple });
        let single = |tag| Acknowledgement { tag, multiple: false };
        last.into_iter().chain(others.into_iter().map(single)).collect()
    }
}

/// Sends acknowledgements in their order.
pub(super) async fn send(
    channel: &Channel,
    acknowledgements: Vec<Acknowledgement>,
) -> lapin::Result<()> {
    for Acknowledgement { tag, multiple } in acknowledgements {
        channel.basic_ack(tag, BasicAckOptions { multiple }).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(arrived: impl IntoIterator<Item = u64>) -> Acknowledgements {
        let mut acknowledgements = Acknowledgements::new(16);
        arrived.into_iter().for_each(|tag| acknowledgements.add(tag));
        acknowledgements
    }

    fn taken(acknowledgements: &mut Acknowledgements) -> Vec<(u64, bool)> {
        acknowledgements.take().into_iter().map(|ack| (ack.tag, ack.multiple)).collect()
    }

    #[test]
    fn only_what_is_settled_is_acknowledged_and_once() {
        let mut deliveries = with(1..=6);
        assert_eq!(taken(&mut deliveries), []);
        [2, 1, 4, 6].into_iter().for_each(|tag| deliveries.settle(tag));
        assert_eq!(taken(&mut deliveries), [(2, true), (4, false), (6, false)]);
        assert_eq!(taken(&mut deliveries), []);
        deliveries.settle(3);
        assert_eq!(taken(&mut deliveries), [(3, false)]);
        deliveries.settle(5);
        assert_eq!(taken(&mut deliveries), [(5, false)]);
    }

    #[test]
    fn all_in_hand_take_one_acknowledgement() {
        let mut deliveries = with(1..=16);
        (1..=16).rev().for_each(|tag| deliveries.settle(tag));
        assert_eq!(taken(&mut deliveries), [(16, true)]);
    }

    #[tokio::test(start_paused = true)]
    async fn they_are_gathered_for_a_moment_or_until_there_are_enough() {
        let is_time = async |deliveries: &Acknowledgements, wait| {
            tokio::time::timeout(wait, deliveries.time_to_send()).await.is_ok()
        };
        let mut deliveries = with(1..=16);
        assert!(deliveries.is_empty());
        deliveries.settle(1);
        assert!(!deliveries.is_empty());
        assert!(!is_time(&deliveries, GATHERING / 2).await);
        assert!(is_time(&deliveries, GATHERING).await);
        deliveries.take();
        (2..=4).for_each(|tag| deliveries.settle(tag));
        assert!(!is_time(&deliveries, Duration::ZERO).await);
        deliveries.settle(5);
        assert!(is_time(&deliveries, Duration::ZERO).await);
    }
}
