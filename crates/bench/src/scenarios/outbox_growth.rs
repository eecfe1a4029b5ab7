//! Whether the outbox stays small and fast when much has passed through it, and while a transaction
//! of somebody else keeps PostgreSQL from reclaiming the deleted rows.

use std::thread;
use std::time::Duration;

use super::context::Context;
use super::figure::{Outcome, Target};
use super::measurement::measure;
use super::warm;
use crate::error::BenchError;
use crate::load::{Load, Pace};
use crate::system::{Deployment, Plan};

const ROWS: i64 = 1_000_000;
/// Inserted at once; the relay is behind by no more than this.
const BATCH: i64 = 10_000;
const POLL: Duration = Duration::from_millis(50);
/// How long a transaction is held open, and what passes meanwhile.
const HELD: Duration = Duration::from_mins(3);
const MEANWHILE: f64 = 100.0;
/// Too few to be a load: what is seen is the way from the outbox to the mail.
const PROBES: f64 = 20.0;

pub(super) fn run(context: &mut Context<'_>) -> Result<Outcome, BenchError> {
    let deployment = warm::start(context, &Plan::HASH_FREE)?;
    let mut outcome = Outcome::default();
    report(context, &deployment, "at first", &mut outcome)?;
    pass_through(context, &deployment)?;
    report(context, &deployment, "after a million rows", &mut outcome)?;

    let holder = deployment.connect()?;
    holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")?;
    holder.number("SELECT count(*) FROM outbox")?;
    let load = Load::register(16, Pace::PerSecond(MEANWHILE), HELD);
    measure(context, &deployment, load)?;
    report(context, &deployment, "beside a transaction held for minutes", &mut outcome)?;
    holder.execute("COMMIT")?;
    Ok(outcome)
}

/// Has the relay publish events that concern nobody.
fn pass_through(context: &Context<'_>, deployment: &Deployment<'_>) -> Result<(), BenchError> {
    for _ in 0..ROWS / BATCH {
        deployment.execute(&format!(
            "INSERT INTO outbox (id, type, user_id, traceparent)
             SELECT gen_random_uuid(), 'user.activated', gen_random_uuid(),
                    '00-' || replace(gen_random_uuid()::text, '-', '') || '-00f067aa0ba902b7-01'
             FROM generate_series(1, {BATCH})"
        ))?;
        while deployment.number("SELECT count(*) FROM outbox")? > BATCH {
            context.interrupt.check()?;
            thread::sleep(POLL);
        }
    }
    deployment.drain(&[], context.interrupt)
}

fn report(
    context: &Context<'_>,
    deployment: &Deployment<'_>,
    when: &str,
    outcome: &mut Outcome,
) -> Result<(), BenchError> {
    let load = Load::register(16, Pace::PerSecond(PROBES), context.duration);
    let measured = measure(context, deployment, load)?;
    outcome.add_time(format!("201 to mail, p50, {when}"), Target::None, measured.delay(500));
    outcome.add_time(format!("201 to mail, p99, {when}"), Target::None, measured.delay(990));
    let kibibytes = deployment.number("SELECT pg_total_relation_size('outbox') / 1024")?;
    let kibibytes = f64::from(u32::try_from(kibibytes).unwrap_or(u32::MAX));
    let megabytes = kibibytes * 1024.0 / 1e6;
    outcome.add(format!("size of the outbox, {when}"), "MB", Target::None, megabytes);
    Ok(())
}
