//! What an operator does to a deployment that runs.

use crate::compose::client::{expect, new_address};
use crate::compose::command::wait_for;
use crate::compose::error::{ComposeError, require};
use crate::compose::project::{QUEUE_LIMIT, SERVICES};
use crate::compose::trial::Trial;

/// What was stored before `down` is there after `up`.
pub(super) fn down_and_up(trial: &Trial) -> Result<(), ComposeError> {
    let before = new_address("before-down");
    trial.client.sign_up(&before)?;
    trial.project.down()?;
    trial.project.up(&[])?;
    trial.client.expect_active(&before)?;
    trial.client.sign_up(&new_address("after-up")).map(|_| ())
}

/// Three workers share the queue: nothing is mailed twice.
pub(super) fn three_workers(trial: &Trial) -> Result<(), ComposeError> {
    let scaled = ["--scale", "email-worker=3"];
    trial.project.up(&scaled)?;
    wait_for("three consumers", QUEUE_LIMIT, trial.interrupt, || {
        match trial.project.queue("consumers") {
            Ok(3) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })?;
    let addresses: Vec<_> = (0..30).map(|_| new_address("three-workers")).collect();
    for address in &addresses {
        expect(&trial.client.register(address)?, 201, None)?;
    }
    for address in &addresses {
        trial.client.first_mail(address)?;
    }
    for address in &addresses {
        let mails = trial.client.mails(address)?.len();
        require(mails == 1, || format!("{address} has {mails} mails instead of one"))?;
    }
    trial.project.up(&[])?;
    let workers = trial.project.containers("email-worker")?.len();
    require(workers == 1, || format!("{workers} workers run instead of one"))
}

/// A changed `.env` restarts our services, which follow it, and none of the servers.
pub(super) fn changed_settings(trial: &Trial) -> Result<(), ComposeError> {
    let ids = || -> Result<Vec<_>, ComposeError> {
        SERVICES.iter().map(|service| Ok(trial.project.container(service)?.id)).collect()
    };
    let before = ids()?;
    trial.project.checkout.set(&[("MAIL__PRODUCT_NAME", "Changed Product")])?;
    trial.project.up(&[])?;
    let replaced: Vec<_> = before
        .iter()
        .zip(ids()?)
        .zip(SERVICES)
        .filter_map(|((before, after), service)| (*before != after).then_some(service))
        .collect();
    require(replaced == ["registration-api", "email-worker"], || {
        format!("a changed .env has replaced {replaced:?}")
    })?;
    let mail = trial.client.sign_up(&new_address("changed-settings"))?;
    require(mail.contains("Changed Product"), || format!("the mail has the old product: {mail}"))
}
