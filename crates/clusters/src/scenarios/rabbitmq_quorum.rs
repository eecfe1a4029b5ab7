//! Of three nodes of RabbitMQ one is killed, and all goes on. Then a second one is killed: nothing
//! is confirmed any more, registrations are accepted and wait in the outbox. Then both return.

use std::time::Duration;

use faults::schedule::{Fault, Part};
use faults::system::Held;
use test_servers::{RabbitMq, ServerError, Storage};
use test_support::eventually;

use crate::gaps::Gaps;
use crate::sql::query_number;
use crate::stage::Stage;
use crate::trial::{Plan, Trial};
use crate::verdict::Verdict;

const NAME: &str = "rabbitmq-quorum";

/// How many clients go through before, between and after.
const CLIENTS: usize = 12;

/// How many registrations are accepted while their mails cannot be sent.
const WAITING: u64 = 15;

/// Registrations need no broker; mails wait for the second node, which takes 10 s to start where
/// nothing else is done, and for the next attempt of the services to connect.
const LONGEST_GAPS: Gaps =
    Gaps { registrations: Duration::from_secs(3), mails: Duration::from_secs(45) };

const OUTBOX: &str = "SELECT count(*) FROM outbox";

pub(crate) async fn play(stage: &Stage) -> Result<Verdict, ServerError> {
    let members = start_members(stage).await?;
    let mut addresses = stage.addresses(NAME).await?;
    for member in &members {
        let url = member.with(|member| member.server.url().to_owned()).await;
        addresses.rabbitmq.push(url);
    }
    let mut trial = Trial::start(Plan {
        clients_per_second: 5,
        ..Plan::usual(addresses.clone(), LONGEST_GAPS)
    })
    .await;
    let copies = stage.rabbitmq().with(|node| node.queue_members()).await?;
    trial.wait_for_clients(CLIENTS).await;

    let began = trial.now();
    stage.rabbitmq().with(|node| node.server.kill()).await;
    trial.wait_for_clients(CLIENTS).await;
    let without_one = trial.now().saturating_sub(began);
    let without_two = lose_and_regain_the_quorum(stage, &trial, &members[0]).await?;
    bring_back(stage, stage.rabbitmq()).await?;
    trial.record(Fault::Killed(Part::Rabbitmq), began, "two of three nodes were gone");

    let mut verdict = trial.judge().await;
    verdict.note(format!("all went on for {without_one:.0?} without a node; {without_two}"));
    let own = copies.iter().filter(|(queue, _)| queue.starts_with(NAME));
    let few: Vec<_> = own.clone().filter(|(_, copies)| *copies != 3).collect();
    verdict.expect(own.count() == 5 && few.is_empty(), format!("queues without 3 copies: {few:?}"));
    Ok(verdict)
}

/// Kills the second node and starts it again. Says what was seen meanwhile.
async fn lose_and_regain_the_quorum(
    stage: &Stage,
    trial: &Trial,
    second: &Held<RabbitMq>,
) -> Result<String, ServerError> {
    second.with(|node| node.server.kill()).await;
    let database = &trial.plan.addresses.postgres;
    eventually("registrations that are accepted without a quorum", async || {
        (query_number(database, OUTBOX).await >= WAITING).then_some(())
    })
    .await;
    trial.system.wait_until_without("rabbitmq").await;
    let waiting = query_number(database, OUTBOX).await;
    bring_back(stage, second).await?;
    let regained = trial.now();
    trial.wait_for_clients(CLIENTS).await;
    let took = trial.now().saturating_sub(regained);
    Ok(format!(
        "{waiting} events waited without a quorum; clients were through {took:.0?} after it"
    ))
}

/// Starts a node that was killed, and waits until it answers.
async fn bring_back(stage: &Stage, node: &Held<RabbitMq>) -> Result<(), ServerError> {
    let interrupt = stage.interrupt().clone();
    node.with(move |node| node.server.restart(&interrupt)).await
}

/// Two nodes beside that of the stage.
async fn start_members(stage: &Stage) -> Result<[Held<RabbitMq>; 2], ServerError> {
    let folders = [stage.folder("rabbitmq-2")?, stage.folder("rabbitmq-3")?];
    let interrupt = stage.interrupt().clone();
    let started = stage.rabbitmq().with(move |first| {
        let mut members = Vec::new();
        for folder in folders {
            members.push(first.start_member(&folder, Storage::Durable)?);
        }
        for member in &mut members {
            member.server.wait_until_ready(&interrupt)?;
        }
        Ok::<_, ServerError>(members)
    });
    let members = started.await?.into_iter().map(Held::new).collect::<Vec<_>>();
    Ok(members.try_into().unwrap_or_else(|_| panic!("two nodes")))
}
