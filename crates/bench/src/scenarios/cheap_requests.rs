//! Requests that cost no hash must not wait for those that do.

use super::context::Context;
use super::figure::{Outcome, Target};
use super::measurement::measure;
use super::warm::{self, SATURATING};
use crate::error::BenchError;
use crate::load::{Kind, Load, Pace, Running, new_client};
use crate::system::{Deployment, Plan};

/// How many of each kind per second: too few to be a load.
const PER_SECOND: f64 = 20.0;

pub(super) fn run(context: &mut Context<'_>) -> Result<Outcome, BenchError> {
    let deployment = warm::start(context, &Plan::AS_DEPLOYED)?;
    let limited = Kind::OverTheLimit(new_client());
    use_up(context, &deployment, &limited)?;
    let kinds = [
        ("health", 200, Kind::Health),
        ("401", 401, Kind::WithoutCredentials),
        ("422", 422, Kind::Invalid),
        ("429", 429, limited),
    ];
    let mut running: Vec<(&str, u16, Running)> = Vec::new();
    for (name, status, kind) in kinds {
        running.push((name, status, cheap(context, kind).start(deployment.port)?));
    }
    let load = Load::register(SATURATING, Pace::AsAnswered, context.duration);
    measure(context, &deployment, load)?;
    let mut outcome = Outcome::default();
    for (name, status, running) in running {
        let answers = running.join()?;
        let Some(time) = answers.percentile(status, 990) else {
            let problem = format!("no {name} was answered {status}: {}", answers.statuses());
            return Err(BenchError::NoResult(problem));
        };
        let name = format!("{name} while saturated, p99");
        outcome.add_time(name, Target::AtMost(20.0), Some(time));
    }
    Ok(outcome)
}

fn cheap(context: &Context<'_>, kind: Kind) -> Load {
    let pace = Pace::PerSecond(PER_SECOND);
    Load { kind, connections: 1, pace, duration: context.duration }
}

/// Sends as many requests of one client as its limit allows (`limits.register_per_client`).
fn use_up(
    context: &Context<'_>,
    deployment: &Deployment<'_>,
    kind: &Kind,
) -> Result<(), BenchError> {
    for _ in 0..100 {
        context.interrupt.check()?;
        let load = Load { pace: Pace::AsAnswered, ..cheap(context, kind.clone()) };
        let load =
            Load { duration: load.duration.min(std::time::Duration::from_millis(200)), ..load };
        if load.start(deployment.port)?.join()?.count(429) > 0 {
            return Ok(());
        }
    }
    Err(BenchError::NoResult("a client that sends much is not limited".to_owned()))
}
