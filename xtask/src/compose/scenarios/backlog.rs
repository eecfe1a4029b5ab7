//! A backlog of events that no worker takes, as after a night without one.

use std::time::{Duration, Instant};

use crate::compose::client::{expect, new_address};
use crate::compose::command::wait_for;
use crate::compose::error::{ComposeError, require};
use crate::compose::project::QUEUE_LIMIT;
use crate::compose::trial::Trial;

/// How long a backlog may take to be published or worked off, even on a busy machine.
const BACKLOG_LIMIT: Duration = Duration::from_mins(10);

/// RabbitMQ keeps the backlog within its memory, recovers it after `kill -9`, and the worker works it
/// off.
pub(super) fn survive(trial: &Trial) -> Result<(), ComposeError> {
    trial.project.compose(&["stop", "email-worker"], QUEUE_LIMIT)?;
    record_events(trial)?;
    let started = Instant::now();
    wait_until_queued(trial, BACKLOG_LIMIT)?;
    eprintln!("xtask: {} events are queued ({:.1?})", trial.backlog, started.elapsed());

    trial.project.kill_and_recover("rabbitmq")?;
    wait_until_queued(trial, QUEUE_LIMIT)?;
    let address = new_address("behind-backlog");
    expect(&trial.client.register(&address)?, 201, None)?;

    let started = Instant::now();
    trial.project.up(&[])?;
    trial.client.first_mail_within(&address, BACKLOG_LIMIT)?;
    eprintln!("xtask: the backlog is worked off ({:.1?})", started.elapsed());
    let rabbitmq = trial.project.container("rabbitmq")?;
    require(!rabbitmq.ran_out_of_memory && rabbitmq.restarts == 1, || {
        format!("RabbitMQ did not survive the backlog: {rabbitmq:?}")
    })?;
    trial.client.sign_up(&new_address("after-backlog")).map(|_| ())
}

/// Records events in the outbox, whose relay publishes them over AMQP. They are about registrations
/// that are gone, so that each is looked up and dropped without a mail. Without new statistics, PostgreSQL would
/// plan for the empty table that it was.
fn record_events(trial: &Trial) -> Result<(), ComposeError> {
    let sql = format!(
        "INSERT INTO outbox (id, type, user_id, code_number, traceparent)
         SELECT gen_random_uuid(), 'user.registered', gen_random_uuid(), 1,
                '00-' || replace(gen_random_uuid()::text, '-', '') || '-0123456789abcdef-01'
         FROM generate_series(1, {});
         ANALYZE outbox",
        trial.backlog
    );
    let psql = ["psql", "--quiet", "--dbname=registration", "--command", &sql];
    trial.project.exec("postgres", &psql, BACKLOG_LIMIT).map(|_| ())
}

fn wait_until_queued(trial: &Trial, limit: Duration) -> Result<(), ComposeError> {
    wait_for("the backlog to be queued", limit, trial.interrupt, || {
        match trial.project.queue("messages") {
            Ok(messages) if messages >= trial.backlog => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
}
