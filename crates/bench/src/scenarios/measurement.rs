//! One load, from its first request until everything that it caused is done.

use std::thread;
use std::time::{Duration, Instant};

use super::context::Context;
use super::figure::{Cost, Delays};
use crate::error::BenchError;
use crate::load::{Answers, Load};
use crate::machine::resident;
use crate::statistics::{number, percentile};
use crate::system::{Deployment, PARTS, Part, Usage};

/// How often memory is looked at.
const POLL: Duration = Duration::from_millis(50);

/// What came of a load of registrations.
pub(super) struct Measurement {
    pub(super) answers: Answers,
    /// The processor time of everybody, up to the last mail.
    pub(super) used: Usage,
    /// The most memory that the API and a worker had, in megabytes.
    pub(super) api_memory: f64,
    pub(super) worker_memory: f64,
    /// The code in the mail of each user who has one.
    pub(super) codes: Vec<(u64, u32)>,
    /// From 201 to the mail, in order.
    delays: Vec<Duration>,
    began: Instant,
    last_mail: Instant,
}

/// Runs the load and waits until every accepted registration has its mail.
pub(super) fn measure(
    context: &Context<'_>,
    deployment: &Deployment<'_>,
    load: Load,
) -> Result<Measurement, BenchError> {
    let (mut api_memory, mut worker_memory) = (0.0_f64, 0.0_f64);
    let before = deployment.usage();
    let began = Instant::now();
    let running = load.start(deployment.port)?;
    while !running.is_finished() {
        context.interrupt.check()?;
        api_memory = api_memory.max(resident(deployment.api.pid()).unwrap_or_default());
        for worker in deployment.workers() {
            worker_memory = worker_memory.max(resident(worker.pid()).unwrap_or_default());
        }
        thread::sleep(POLL);
    }
    let answers = running.join()?;
    let registered: Vec<u64> = answers.with(201).map(|answer| answer.user).collect();
    if registered.is_empty() {
        let problem = format!("nobody could register: {}", answers.statuses());
        return Err(BenchError::NoResult(problem));
    }
    deployment.drain(&registered, context.interrupt)?;
    let used = (deployment.usage() - before).with(Part::Generator, answers.generator);
    let mut delays = Vec::with_capacity(registered.len());
    let mut codes = Vec::with_capacity(registered.len());
    let mut last_mail = began;
    for answer in answers.with(201) {
        if let Some(mail) = context.sink.mail(answer.user) {
            delays.push(mail.accepted_at.saturating_duration_since(answer.answered));
            codes.extend(mail.code.map(|code| (answer.user, code)));
            last_mail = last_mail.max(mail.accepted_at);
        }
    }
    delays.sort_unstable();
    context.sink.clear();
    Ok(Measurement { answers, used, api_memory, worker_memory, codes, delays, began, last_mail })
}

impl Measurement {
    pub(super) fn registered(&self) -> f64 {
        number(self.answers.count(201))
    }

    /// Accepted registrations per second.
    pub(super) fn rate(&self) -> f64 {
        self.answers.rate(201).unwrap_or_default()
    }

    /// Registrations per second up to the last mail.
    pub(super) fn rate_to_mail(&self) -> f64 {
        self.registered() / (self.last_mail - self.began).as_secs_f64()
    }

    /// How long so many thousandths of the mails took at most after the 201.
    pub(super) fn delay(&self, per_mille: usize) -> Option<Duration> {
        percentile(&self.delays, per_mille)
    }

    pub(super) fn delays(&self) -> Delays {
        Delays(self.delays.clone())
    }

    /// Milliseconds of processor time per registration.
    pub(super) fn per_registration(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e3 / self.registered()
    }

    pub(super) fn cost(&self) -> Cost {
        let cost = |part| (part, self.per_registration(self.used.of(part)));
        Cost { parts: PARTS.map(cost).to_vec() }
    }
}
