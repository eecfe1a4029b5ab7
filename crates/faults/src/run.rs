//! One run: a system under load is broken as the schedule says, mended, and judged.

use std::sync::Mutex;
use std::time::Duration;

use acceptance::Deployment;
use test_servers::{Interrupt, ProcessError, ServerError};
use test_support::soon_within;
use tokio::time::sleep;

use crate::clock::Clock;
use crate::evidence::{Ended, Evidence, Observed, Terms};
use crate::ledger::Ledger;
use crate::load::{Load, Surroundings};
use crate::program::interrupted;
use crate::schedule::{Schedule, Slot};
use crate::system::{Measured, System};

/// How many clients come each second.
const CLIENTS_PER_SECOND: u32 = 5;

/// How many clients must be through before the first fault, so that pools have grown to their size.
const WARM: usize = 15;

/// How long clients may take after the last fault: the longest delays of retries and leases.
const SETTLING: Duration = Duration::from_secs(75);

/// How long the queues may take to become empty then.
const EMPTYING: Duration = Duration::from_mins(1);

/// How long it may take until idle connections are closed, and what they took is given back.
const RETURNING: Duration = Duration::from_mins(1);

/// How long it may take to begin the faults of a slot, to end them, and until all is well again.
const MENDING: Duration = Duration::from_mins(3);

/// How long the first fault of a pair has to show before the second begins.
const BETWEEN: Duration = Duration::from_secs(1);

/// How often somebody looks whether it is time.
const LOOK: Duration = Duration::from_millis(100);

/// Why there is no ledger.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// What the system needs could not be started.
    #[error(transparent)]
    Servers(#[from] ServerError),
    /// Somebody asked to stop.
    #[error("interrupted; everything that was started is stopped")]
    Interrupted,
}

/// Runs a schedule and judges what was seen.
pub async fn run(
    deployment: Deployment,
    schedule: &Schedule,
    interrupt: &Interrupt,
) -> Result<Ledger, RunError> {
    tokio::select! {
        ledger = perform(deployment, schedule, interrupt) => match ledger {
            Err(ServerError::Process(ProcessError::Interrupted)) => Err(RunError::Interrupted),
            ledger => Ok(ledger?),
        },
        () = interrupted(interrupt) => Err(RunError::Interrupted),
    }
}

async fn perform(
    deployment: Deployment,
    schedule: &Schedule,
    interrupt: &Interrupt,
) -> Result<Ledger, ServerError> {
    let clock = Clock::start();
    let system = System::start(deployment, clock, interrupt).await?;
    let surroundings = Surroundings { apis: system.urls(), sink: system.sink.clone(), clock };
    let load = Load::new(surroundings);
    let ends = Mutex::default();
    let (evidence, terms) = tokio::select! {
        never = system.watch_processes(clock, &ends) => match never {},
        seen = observe(&system, &load, schedule, clock, &ends) => seen?,
    };
    Ok(Ledger::of(&evidence, &terms))
}

async fn observe(
    system: &System,
    load: &Load,
    schedule: &Schedule,
    clock: Clock,
    ends: &Mutex<Vec<Ended>>,
) -> Result<(Evidence, Terms), ServerError> {
    let started = clock.now();
    let (before, faults) = tokio::select! {
        never = load.keep_coming(CLIENTS_PER_SECOND) => match never {},
        seen = break_and_mend(system, load, schedule, clock) => seen?,
    };
    let loaded = clock.now().saturating_sub(started);
    load.finish(SETTLING).await;
    load.check_active().await;
    let leftovers = system.leftovers_in_the_end(EMPTYING).await;
    system.drop_stalled_connections().await;
    let usages = system.usages_in_the_end(&before, RETURNING).await;
    let evidence = Evidence {
        histories: load.histories(),
        mails: system.sink.copies(),
        deliveries: system.receiver.deliveries(),
        faults,
        ends: std::mem::take(&mut ends.lock().unwrap()),
        leftovers,
        usages,
    };
    // Half of those that could have come at most.
    let enough = usize::try_from(loaded.as_secs() * u64::from(CLIENTS_PER_SECOND) / 2);
    let terms = system.terms(enough.unwrap_or(usize::MAX));
    Ok((evidence, terms))
}

async fn break_and_mend(
    system: &System,
    load: &Load,
    schedule: &Schedule,
    clock: Clock,
) -> Result<(Measured, Vec<Observed>), ServerError> {
    while load.finished() < WARM {
        sleep(LOOK).await;
    }
    let before = system.measure().await;
    let mut observed = Vec::new();
    for slot in &schedule.slots {
        eprintln!("{:8.1} {slot}", clock.now().as_secs_f64());
        let performed = perform_slot(system, slot, clock);
        observed.extend(soon_within(slot.lasts + MENDING, &format!("{slot}"), performed).await?);
        sleep(slot.pause).await;
    }
    Ok((before, observed))
}

/// Begins the faults of a slot, ends them, and waits until all is well.
async fn perform_slot(
    system: &System,
    slot: &Slot,
    clock: Clock,
) -> Result<Vec<Observed>, ServerError> {
    let mut broken = Vec::new();
    let possible = slot.faults.iter().filter(|fault| system.can_have(**fault));
    for fault in possible {
        if !broken.is_empty() {
            sleep(BETWEEN).await;
        }
        let begin = clock.now();
        let effect = system.begin(*fault).await;
        broken.push((*fault, begin, effect));
    }
    sleep(slot.lasts).await;
    for (fault, _, _) in broken.iter().rev() {
        system.end(*fault).await;
    }
    system.recover().await?;
    let end = clock.now();
    let observe = |(fault, begin, effect)| Observed { fault, begin, end, effect };
    Ok(broken.into_iter().map(observe).collect())
}
