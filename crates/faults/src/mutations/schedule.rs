//! Faults that no mutation of the list survives.

use std::time::Duration;

use faults::schedule::{Fault, MailFault, Network, Part, Schedule, Seed, Slot};

/// The schedule: the same for every seed, which only repeats it.
pub(crate) fn schedule(seed: Seed) -> Schedule {
    let hangs = Fault::Mail(MailFault::Hangs("DATA"));
    let slow = Fault::Mail(MailFault::Slow);
    let mut slots = Vec::new();
    for worker in [0, 1] {
        // What is published has nowhere to go. Not right after a fault of the broker: an API that
        // finds it down declares the bindings anew before it publishes.
        slots.push(slot(&[Fault::QueueUnbound], 2000));
        // What a worker has in hand dies with it, unless it has not been acknowledged.
        slots.push(slot(&[hangs, Fault::Killed(Part::Worker(worker))], 1000));
        // What a worker is sending is delivered to both again.
        slots.push(slot(&[slow, Fault::Network(Part::Rabbitmq, Network::Cut)], 300));
        // What is published is lost, unless it has not been deleted.
        let black_hole = Fault::Network(Part::Rabbitmq, Network::BlackHole);
        slots.push(Slot { pause: Duration::from_secs(8), ..slot(&[black_hole], 4000) });
    }
    Schedule::of(seed, slots)
}

fn slot(faults: &[Fault], milliseconds: u64) -> Slot {
    Slot {
        faults: faults.to_vec(),
        lasts: Duration::from_millis(milliseconds),
        pause: Duration::from_secs(2),
    }
}
