//! Whether it matters how many users there are.

use std::time::Duration;

use super::context::Context;
use super::figure::{Outcome, Target};
use super::measurement::{Measurement, measure};
use super::warm;
use crate::error::BenchError;
use crate::load::{Answers, Kind, Load, Pace};
use crate::system::{Deployment, Plan, USERS};

const SIZES: [(u32, &str); 3] =
    [(USERS, "10 thousand"), (1_000_000, "1 million"), (5_000_000, "5 million")];
const CONNECTIONS: usize = 64;
/// A code counts for a minute; by then all must be made.
const ACTIVATIONS: Duration = Duration::from_secs(45);

pub(super) fn run(context: &mut Context<'_>) -> Result<Outcome, BenchError> {
    let deployment = warm::start(context, &Plan::HASH_FREE)?;
    let mut outcome = Outcome::default();
    let mut fewest: Option<[Rate; 2]> = None;
    let mut present = USERS;
    for (size, name) in SIZES {
        deployment.add_users(present, size)?;
        context.servers.redis.empty()?;
        present = size;
        let registered = register(context, &deployment)?;
        let activated = activate(context, &deployment, &registered)?;
        let rates = [Rate::of(&registered.answers, 201)?, Rate::of(&activated, 200)?];
        for (index, action) in ["registrations", "activations"].into_iter().enumerate() {
            let of_fewest = fewest.map(|rates| rates[index]);
            rates[index].report(&mut outcome, &format!("{action}, {name} users"), of_fewest);
        }
        fewest = fewest.or(Some(rates));
    }
    Ok(outcome)
}

fn register(context: &Context<'_>, deployment: &Deployment<'_>) -> Result<Measurement, BenchError> {
    let load = Load::register(CONNECTIONS, Pace::AsAnswered, context.duration);
    measure(context, deployment, load)
}

fn activate(
    context: &Context<'_>,
    deployment: &Deployment<'_>,
    registered: &Measurement,
) -> Result<Answers, BenchError> {
    let load = Load {
        kind: Kind::Activate(registered.codes.clone().into()),
        connections: CONNECTIONS,
        pace: Pace::AsAnswered,
        duration: ACTIVATIONS,
    };
    let answers = load.start(deployment.port)?.join()?;
    deployment.drain(&[], context.interrupt)?;
    Ok(answers)
}

/// How many per second, and how long 99 in a hundred took at most, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Rate {
    per_second: f64,
    p99: f64,
}

impl Rate {
    fn of(answers: &Answers, status: u16) -> Result<Self, BenchError> {
        let problem =
            || BenchError::NoResult(format!("no answer was {status}: {}", answers.statuses()));
        let p99 = answers.percentile(status, 990).ok_or_else(problem)?;
        let per_second = answers.rate(status).ok_or_else(problem)?;
        Ok(Self { per_second, p99: p99.as_secs_f64() * 1e3 })
    }

    fn report(self, outcome: &mut Outcome, name: &str, of_fewest: Option<Self>) {
        outcome.add(format!("{name}: rate"), "1/s", Target::None, self.per_second);
        outcome.add(format!("{name}: p99"), "ms", Target::None, self.p99);
        if let Some(fewest) = of_fewest {
            let share = self.per_second / fewest.per_second;
            outcome.add(
                format!("{name}: rate against 10 thousand"),
                "",
                Target::AtLeast(0.9),
                share,
            );
            let share = self.p99 / fewest.p99;
            outcome.add(format!("{name}: p99 against 10 thousand"), "", Target::AtMost(1.1), share);
        }
    }
}
