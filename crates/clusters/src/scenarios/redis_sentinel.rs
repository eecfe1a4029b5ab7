//! A Redis with a replica under three Sentinels: they make the replica the primary on request, and
//! again when that one is killed.

use std::time::Duration;

use faults::schedule::{Fault, Part};
use faults::system::Held;
use test_servers::{Redis, RedisSentinel, ServerError};

use crate::gaps::Gaps;
use crate::stage::Stage;
use crate::trial::{Plan, Trial};
use crate::verdict::Verdict;

const NAME: &str = "redis-sentinel";

/// How many clients go through before and after each event.
const CLIENTS: usize = 10;

/// Registrations need no Redis. Mails wait until the Sentinels have agreed on another primary.
const LONGEST_GAPS: Gaps =
    Gaps { registrations: Duration::from_secs(6), mails: Duration::from_secs(15) };

pub(crate) async fn play(stage: &Stage) -> Result<Verdict, ServerError> {
    let mut addresses = stage.addresses(NAME).await?;
    let (folder, interrupt) = (stage.folder(NAME)?, stage.interrupt().clone());
    let redis = tokio::task::spawn_blocking(move || {
        RedisSentinel::start(&Redis::installed()?, &folder, &interrupt)
    });
    let redis = redis.await.expect("no panic while Redis starts")?;
    addresses.redis = redis.url();
    let redis = Held::new(redis);
    let mut trial = Trial::start(Plan::usual(addresses, LONGEST_GAPS)).await;
    trial.wait_for_clients(CLIENTS).await;

    let begin = trial.now();
    let replaced = redis.with(|redis| {
        redis.begin_fail_over()?;
        redis.wait_for_primary(1)
    });
    replaced.await?;
    trial.wait_for_clients(CLIENTS).await;
    // What the old one still took is lost, as if it had died.
    trial.record(Fault::Killed(Part::Redis), begin, "the replica became the primary");
    trial.wait_for_clients(CLIENTS).await;

    let begin = trial.now();
    let replaced = redis.with(|redis| {
        redis.servers[1].server.kill();
        redis.wait_for_primary(0)
    });
    replaced.await?;
    let away = trial.now().saturating_sub(begin);
    trial.wait_for_clients(CLIENTS).await;
    trial.record(Fault::Killed(Part::Redis), begin, "the other took over from a dead primary");
    trial.wait_for_clients(CLIENTS).await;
    let mut verdict = trial.judge().await;
    verdict.note(format!("no primary for {away:.1?}"));
    Ok(verdict)
}
