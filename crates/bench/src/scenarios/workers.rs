//! Whether more workers send more mails, where it is the mail server that takes its time.

use std::time::{Duration, Instant};

use super::context::Context;
use super::figure::{Outcome, Target};
use super::warm;
use crate::error::BenchError;
use crate::load::{Load, Pace};
use crate::statistics::number;
use crate::system::Plan;

const DELAY: Duration = Duration::from_millis(50);
const WORKERS: [u32; 3] = [1, 2, 4];

pub(super) fn run(context: &mut Context<'_>) -> Result<Outcome, BenchError> {
    let mut outcome = Outcome::default();
    let mut single = None;
    for workers in WORKERS {
        context.sink.set_delay(DELAY);
        let rate = rate_of(context, workers);
        context.sink.set_delay(Duration::ZERO);
        let rate = rate?;
        let of_one = *single.get_or_insert(rate);
        outcome.add(format!("mails per second, workers: {workers}"), "1/s", Target::None, rate);
        if workers > 1 {
            let share = rate / of_one / f64::from(workers);
            let name = format!("of the proportional rate, workers: {workers}");
            outcome.add(name, "", Target::AtLeast(0.9), share);
        }
    }
    Ok(outcome)
}

/// Mails per second while that many workers work off a backlog.
fn rate_of(context: &Context<'_>, workers: u32) -> Result<f64, BenchError> {
    let mut deployment = warm::start(context, &Plan::HASH_FREE)?;
    // The queue is there now, and fills while nobody consumes.
    deployment.stop_workers();
    let duration = context.duration * workers / WORKERS[WORKERS.len() - 1];
    let load = Load::register(64, Pace::AsAnswered, duration);
    let answers = load.start(deployment.port)?.join()?;
    let registered: Vec<u64> = answers.with(201).map(|answer| answer.user).collect();
    let count = usize::try_from(workers).unwrap_or(1);
    deployment.start_workers(count, context.interrupt)?;
    deployment.drain(&registered, context.interrupt)?;
    let mails = registered.iter().filter_map(|user| context.sink.mail(*user));
    let accepted: Vec<Instant> = mails.map(|mail| mail.accepted_at).collect();
    context.sink.clear();
    rate_in_the_middle(accepted).ok_or_else(|| {
        BenchError::NoResult(format!("too few mails to tell a rate: {}", answers.statuses()))
    })
}

/// The rate without the first and the last tenth, in which not all workers are busy.
fn rate_in_the_middle(mut times: Vec<Instant>) -> Option<f64> {
    times.sort_unstable();
    let tenth = times.len() / 10;
    let middle = &times[tenth..times.len() - tenth];
    let (first, last) = (middle.first()?, middle.last()?);
    let span = (*last - *first).as_secs_f64();
    (span > 0.0).then(|| number(middle.len() - 1) / span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_does_not_depend_on_how_it_begins_and_ends() {
        let begin = Instant::now();
        let at = |milliseconds| begin + Duration::from_millis(milliseconds);
        let mut times: Vec<_> = (0..100).map(|number| at(1_000 + 10 * number)).collect();
        times.extend([at(0), at(9_000)]);
        let rate = rate_in_the_middle(times).unwrap();
        assert!((rate - 100.0).abs() < 1e-6, "{rate}");
        assert_eq!(rate_in_the_middle(vec![at(0)]), None);
    }
}
