//! When what is broken, and for how long: all of it follows from a seed.

mod fault;
mod misbehaviour;
mod seed;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use acceptance::Deployment;

pub use fault::{Fault, Network, Part};
pub use misbehaviour::{MailFault, PHASES, WebhookFault};
pub use seed::{Seed, SeedError};

use seed::Random;

/// The faults of a run, one slot after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// What it was made from.
    pub seed: Seed,
    /// In this order.
    pub slots: Vec<Slot>,
}

/// One fault, or two at once, and a time in which all is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// What is broken: the first, and a moment later the second.
    pub faults: Vec<Fault>,
    /// For how long.
    pub lasts: Duration,
    /// How long all is well afterwards.
    pub pause: Duration,
}

/// Every third slot breaks two parts at once.
const PAIR_EVERY: usize = 3;

impl Schedule {
    /// The schedule of a seed: as many slots as fill `length`, in rounds in which each class of
    /// fault occurs once.
    pub fn new(seed: Seed, length: Duration, deployment: Deployment) -> Self {
        let mut draws = Draws::new(seed, Fault::all(deployment));
        // A short run has short faults, so that it has many of them.
        let longest = (length / 30).clamp(Duration::from_secs(2), Duration::from_secs(10));
        let (mut slots, mut planned) = (Vec::new(), Duration::ZERO);
        while planned < length {
            let is_pair = slots.len() % PAIR_EVERY == PAIR_EVERY - 1;
            let faults = draws.faults(is_pair);
            let lasts = draws.duration(longest);
            let pause = draws.between(Duration::from_millis(500), Duration::from_secs(2));
            planned += lasts + pause + faults.iter().copied().map(recovery).sum::<Duration>();
            slots.push(Slot { faults, lasts, pause });
        }
        Self { seed, slots }
    }

    /// A schedule of one's own.
    pub fn of(seed: Seed, slots: Vec<Slot>) -> Self {
        Self { seed, slots }
    }
}

/// What it takes about until a fault is over once it is to end, for planning only.
fn recovery(fault: Fault) -> Duration {
    match fault {
        Fault::Killed(Part::Rabbitmq) | Fault::Restarted(Part::Rabbitmq) => Duration::from_secs(8),
        Fault::RollingRestart => Duration::from_secs(6),
        Fault::Killed(_) | Fault::Restarted(_) | Fault::DiskFull | Fault::DiskReadOnly => {
            Duration::from_secs(2)
        }
        _ => Duration::ZERO,
    }
}

/// Draws faults: each class once before any comes again, and each fault of a class, too.
struct Draws {
    random: Random,
    /// The faults of each class, the one that was drawn last at the end.
    classes: BTreeMap<String, VecDeque<Fault>>,
    /// The classes that this round has not had yet.
    round: VecDeque<String>,
}

impl Draws {
    fn new(seed: Seed, mut all: Vec<Fault>) -> Self {
        let mut random = Random::new(seed);
        random.shuffle(&mut all);
        let mut classes: BTreeMap<String, VecDeque<Fault>> = BTreeMap::new();
        for fault in all {
            classes.entry(fault.class()).or_default().push_back(fault);
        }
        Self { random, classes, round: VecDeque::new() }
    }

    /// Now and then twice as long as usual, so that leases and heartbeats end, too.
    fn duration(&mut self, longest: Duration) -> Duration {
        let factor = if self.random.below(8) == 0 { 2 } else { 1 };
        factor * self.between(Duration::from_secs(1), longest)
    }

    fn between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let steps = longest.saturating_sub(shortest).as_millis() / 100 + 1;
        let step = self.random.below(u64::try_from(steps).unwrap_or(1));
        shortest + Duration::from_millis(100 * step)
    }

    fn faults(&mut self, is_pair: bool) -> Vec<Fault> {
        let first = self.next(None);
        let second = match first.and_then(Fault::part) {
            Some(part) if is_pair => self.next(Some(part)),
            // Everything is restarted: there is no other part.
            _ => None,
        };
        first.into_iter().chain(second).collect()
    }

    /// A fault of the next class that has one that can happen beside a fault of `other`.
    fn next(&mut self, other: Option<Part>) -> Option<Fault> {
        if self.round.is_empty() {
            let mut classes: Vec<String> = self.classes.keys().cloned().collect();
            self.random.shuffle(&mut classes);
            self.round = classes.into();
        }
        let is_possible = |fault: &Fault| match (other, fault.part()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(other), Some(part)) => other != part,
        };
        for index in 0..self.round.len() {
            let faults = self.classes.get_mut(&self.round[index])?;
            if let Some(position) = faults.iter().position(is_possible) {
                let fault = faults.remove(position)?;
                faults.push_back(fault);
                self.round.remove(index);
                return Some(fault);
            }
        }
        None
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<String> = self.faults.iter().map(Fault::to_string).collect();
        write!(f, "{} for {:.1?}", faults.join(" + "), self.lasts)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const HALF_AN_HOUR: Duration = Duration::from_mins(30);
    const BOTH: [Deployment; 2] = [Deployment::Distributed, Deployment::Standalone];

    #[test]
    fn a_seed_gives_the_same_schedule_again_and_another_seed_another() {
        for deployment in BOTH {
            let schedule = |seed| Schedule::new(Seed(seed), HALF_AN_HOUR, deployment);
            assert_eq!(schedule(1), schedule(1));
            assert_ne!(schedule(1).slots, schedule(2).slots);
        }
    }

    #[test]
    fn a_long_run_has_every_fault() {
        for deployment in BOTH {
            let schedule = Schedule::new(Seed(1), HALF_AN_HOUR, deployment);
            let faults: Vec<Fault> =
                schedule.slots.into_iter().flat_map(|slot| slot.faults).collect();
            for fault in Fault::all(deployment) {
                assert!(faults.contains(&fault), "{fault} is missing");
            }
        }
    }

    #[test]
    fn no_class_comes_again_before_each_has_come() {
        for deployment in BOTH {
            let classes: BTreeSet<String> =
                Fault::all(deployment).into_iter().map(Fault::class).collect();
            let schedule = Schedule::new(Seed(3), HALF_AN_HOUR, deployment);
            let drawn = schedule.slots.iter().flat_map(|slot| &slot.faults);
            let round: BTreeSet<String> =
                drawn.take(classes.len()).map(|fault| fault.class()).collect();
            assert_eq!(round, classes);
        }
    }

    #[test]
    fn pairs_are_about_two_parts() {
        let schedule = Schedule::new(Seed(4), HALF_AN_HOUR, Deployment::Distributed);
        let pairs: Vec<&Slot> =
            schedule.slots.iter().filter(|slot| slot.faults.len() == 2).collect();
        assert!(pairs.len() >= 10, "{pairs:?}");
        for pair in pairs {
            assert_ne!(pair.faults[0].part(), pair.faults[1].part(), "{pair}");
        }
    }
}
