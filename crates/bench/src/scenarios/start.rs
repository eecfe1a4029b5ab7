//! How long the services need until they are ready, and what they take while nothing happens.

use std::thread;
use std::time::Duration;

use super::context::Context;
use super::figure::{Outcome, Target};
use crate::error::BenchError;
use crate::machine::resident;
use crate::system::{Deployment, Plan};

/// How long servers take to settle once they are started, and a service to allocate all that it
/// allocates at its start.
const REST: Duration = Duration::from_secs(2);

pub(super) fn run(context: &mut Context<'_>) -> Result<Outcome, BenchError> {
    thread::sleep(REST);
    let deployment =
        Deployment::start(&Plan::AS_DEPLOYED, context.servers, context.sink, context.interrupt)?;
    thread::sleep(REST);
    let mut outcome = Outcome::default();
    let started_in = Some(deployment.api.started_in);
    outcome.add_time("start to ready: API", Target::AtMost(50.0), started_in);
    for worker in deployment.workers() {
        outcome.add_time("start to ready: worker", Target::AtMost(50.0), Some(worker.started_in));
        if let Some(memory) = resident(worker.pid()) {
            outcome.add("resident memory: worker, idle", "MB", Target::AtMost(25.0), memory);
        }
    }
    if let Some(memory) = resident(deployment.api.pid()) {
        outcome.add("resident memory: API, idle", "MB", Target::AtMost(20.0), memory);
    }
    Ok(outcome)
}
