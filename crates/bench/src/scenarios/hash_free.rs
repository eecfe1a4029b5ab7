//! Everything but the hash, which is made free.

use super::context::Context;
use super::figure::{Outcome, Target};
use super::measurement::{Measurement, measure};
use super::warm;
use crate::error::BenchError;
use crate::load::{Load, Pace};
use crate::system::{PARTS, Part, Plan};

pub(super) fn run_64(context: &mut Context<'_>) -> Result<Outcome, BenchError> {
    let measured = load(context, 64)?;
    let mut outcome = Outcome { cost: Some(measured.cost()), ..Outcome::default() };
    outcome.add("registrations per second", "1/s", Target::None, measured.rate());
    let rate = measured.rate_to_mail();
    outcome.add(
        "registrations per second, to the last mail",
        "1/s",
        Target::AtLeast(1_400.0),
        rate,
    );
    for part in PARTS {
        let target = match part {
            Part::Api => Target::AtMost(0.30),
            Part::Worker => Target::AtMost(0.20),
            Part::Postgres => Target::AtMost(0.45),
            _ => Target::None,
        };
        let cost = measured.per_registration(measured.used.of(part));
        outcome.add(format!("CPU: {}", part.name()), "ms", target, cost);
    }
    let beyond = measured.per_registration(measured.used.beyond_the_hash());
    outcome.add("CPU beyond the hash: all processes", "ms", Target::AtMost(1.25), beyond);
    Ok(outcome)
}

pub(super) fn run_16(context: &mut Context<'_>) -> Result<Outcome, BenchError> {
    let measured = load(context, 16)?;
    let mut outcome = Outcome { delays: Some(measured.delays()), ..Outcome::default() };
    outcome.add("registrations per second", "1/s", Target::None, measured.rate());
    outcome.add_time("201 to mail, p50", Target::None, measured.delay(500));
    outcome.add_time("201 to mail, p99", Target::AtMost(100.0), measured.delay(990));
    Ok(outcome)
}

fn load(context: &Context<'_>, connections: usize) -> Result<Measurement, BenchError> {
    let deployment = warm::start(context, &Plan::HASH_FREE)?;
    let load = Load::register(connections, Pace::AsAnswered, context.duration);
    measure(context, &deployment, load)
}
