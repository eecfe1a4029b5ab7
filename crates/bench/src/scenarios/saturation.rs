//! As many registrations as the hash allows, with the hash as deployed.

use super::context::Context;
use super::figure::{Outcome, Target};
use super::hash_rate::HashRate;
use super::measurement::measure;
use super::warm::{self, SATURATING};
use crate::error::BenchError;
use crate::load::{Load, Pace};
use crate::system::{PARTS, Part, Plan};

pub(super) fn run(context: &mut Context<'_>) -> Result<Outcome, BenchError> {
    let deployment = warm::start(context, &Plan::AS_DEPLOYED)?;
    let before = HashRate::measure(context.duration / 2)?;
    let load = Load::register(SATURATING, Pace::AsAnswered, context.duration);
    let measured = measure(context, &deployment, load)?;
    let pure = before.mean(HashRate::measure(context.duration / 2)?);
    context.saturation = Some(measured.rate());

    let hash = measured.per_registration(measured.used.of(Part::Hash));
    let beyond = measured.per_registration(measured.used.beyond_the_hash());
    let mut outcome = Outcome { cost: Some(measured.cost()), ..Outcome::default() };
    outcome.add("pure hash rate", "1/s", Target::None, pure.per_second);
    outcome.add("registrations per second", "1/s", Target::None, measured.rate());
    let ratio = measured.rate() / pure.per_second;
    outcome.add("registrations against the pure hash rate", "", Target::AtLeast(0.86), ratio);
    let ratio = hash / pure.milliseconds;
    outcome.add("CPU of a hash against the pure hash", "", Target::AtMost(1.04), ratio);
    for part in PARTS {
        let cost = measured.per_registration(measured.used.of(part));
        outcome.add(format!("CPU: {}", part.name()), "ms", Target::None, cost);
    }
    outcome.add("CPU beyond the hash: all processes", "ms", Target::None, beyond);
    outcome.add_time("201 to mail, p50", Target::None, measured.delay(500));
    outcome.add_time("201 to mail, p99", Target::AtMost(40.0), measured.delay(990));
    outcome.add("resident memory: API, saturated", "MB", Target::AtMost(65.0), measured.api_memory);
    outcome.add("resident memory: worker", "MB", Target::AtMost(25.0), measured.worker_memory);
    outcome.delays = Some(measured.delays());
    Ok(outcome)
}
