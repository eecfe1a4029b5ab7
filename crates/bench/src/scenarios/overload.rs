//! Ten times as many registrations as can be hashed.

use super::context::Context;
use super::figure::{Outcome, Target};
use super::measurement::measure;
use super::warm::{self, saturation_rate};
use crate::error::BenchError;
use crate::load::{Load, Pace};
use crate::statistics::number;
use crate::system::Plan;

const CONNECTIONS: usize = 1_000;
const TIMES: f64 = 10.0;

pub(super) fn run(context: &mut Context<'_>) -> Result<Outcome, BenchError> {
    let deployment = warm::start(context, &Plan::AS_DEPLOYED)?;
    let saturation = saturation_rate(context, &deployment)?;
    let load = Load::register(CONNECTIONS, Pace::PerSecond(TIMES * saturation), context.duration);
    let measured = measure(context, &deployment, load)?;
    let answers = &measured.answers;
    let sent = number(answers.all.len()) / context.duration.as_secs_f64();
    let mut outcome = Outcome::default();
    outcome.add("requests sent per second", "1/s", Target::None, sent);
    let ratio = measured.rate() / saturation;
    outcome.add("accepted rate against saturation", "", Target::AtLeast(0.9), ratio);
    let waited = answers.percentile(201, 990);
    outcome.add_time("wait of the accepted, p99", Target::AtMost(2_000.0), waited);
    let refused = answers.percentile(503, 990);
    outcome.add_time("wait of the refused (503), p99", Target::AtMost(50.0), refused);
    let broken = number(answers.all.iter().filter(|answer| answer.status.is_none()).count());
    outcome.add("requests without an answer", "", Target::AtMost(0.0), broken);
    let memory = measured.api_memory;
    outcome.add("resident memory: API, 1,000 connections", "MB", Target::AtMost(90.0), memory);
    Ok(outcome)
}
