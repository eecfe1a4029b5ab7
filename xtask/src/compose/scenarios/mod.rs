//! What is done to the deployment, in this order: each scenario goes on with what the one before left.

mod backlog;
mod confinement;
mod crashes;
mod labels;
mod restarts;
mod starts;

use std::time::Instant;

use super::error::ComposeError;
use super::trial::Trial;

type Scenario = fn(&Trial) -> Result<(), ComposeError>;

const SCENARIOS: [(&str, Scenario); 10] = [
    ("a first start that is interrupted", starts::interrupted),
    ("up from nothing", starts::from_nothing),
    ("labels of the images", labels::check),
    ("too few threads", starts::too_few_threads),
    ("confinement", confinement::check),
    ("kill -9 of each container under load", crashes::kill_each),
    ("down and up", restarts::down_and_up),
    ("three workers", restarts::three_workers),
    ("a changed .env", restarts::changed_settings),
    ("a backlog while RabbitMQ is killed", backlog::survive),
];

/// Runs all of them, to the first that fails.
pub(super) fn run(trial: &Trial) -> Result<(), ComposeError> {
    trial.project.forget()?;
    for (scenario, run) in SCENARIOS {
        let started = Instant::now();
        run(trial).map_err(|source| ComposeError::Scenario { scenario, source: source.into() })?;
        eprintln!("xtask: passed: {scenario} ({:.1?})", started.elapsed());
    }
    trial.project.forget()
}
