//! What somebody waits for their mail while the machine is half busy.

use super::context::Context;
use super::figure::{Outcome, Target};
use super::measurement::measure;
use super::warm::{self, SATURATING, saturation_rate};
use crate::error::BenchError;
use crate::load::{Load, Pace};
use crate::system::Plan;

pub(super) fn run(context: &mut Context<'_>) -> Result<Outcome, BenchError> {
    let deployment = warm::start(context, &Plan::AS_DEPLOYED)?;
    let pace = Pace::PerSecond(saturation_rate(context, &deployment)? / 2.0);
    let load = Load::register(SATURATING, pace, context.duration);
    let measured = measure(context, &deployment, load)?;
    let mut outcome = Outcome { delays: Some(measured.delays()), ..Outcome::default() };
    outcome.add("registrations per second", "1/s", Target::None, measured.rate());
    outcome.add_time("201 to mail, p50", Target::AtMost(5.0), measured.delay(500));
    outcome.add_time("201 to mail, p99", Target::AtMost(20.0), measured.delay(990));
    let answered = measured.answers.percentile(201, 990);
    outcome.add_time("request to 201, p99", Target::None, answered);
    Ok(outcome)
}
