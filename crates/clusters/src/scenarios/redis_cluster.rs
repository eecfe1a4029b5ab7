//! A Redis Cluster of three primaries with a replica each: slots move between two of them, a replica
//! changes places with its primary, and another primary is killed.

use std::time::Duration;

use faults::schedule::{Fault, Part};
use faults::system::Held;
use test_servers::{Redis, RedisCluster, ServerError};

use crate::gaps::Gaps;
use crate::stage::Stage;
use crate::trial::{Plan, Trial};
use crate::verdict::Verdict;

const NAME: &str = "redis-cluster";

const PRIMARIES: usize = 3;
/// How long a node may be silent before the others replace it.
const NODE_TIMEOUT: Duration = Duration::from_secs(2);
/// How many slots move at most; more would take longer, and show the same.
const MOVES: usize = 15;
/// How many clients go through before and after each event.
const CLIENTS: usize = 10;

/// Registrations need no Redis. Mails to a third of the users wait for the replica to take over.
const LONGEST_GAPS: Gaps =
    Gaps { registrations: Duration::from_secs(6), mails: Duration::from_secs(12) };

pub(crate) async fn play(stage: &Stage) -> Result<Verdict, ServerError> {
    let mut addresses = stage.addresses(NAME).await?;
    let (folder, interrupt) = (stage.folder(NAME)?, stage.interrupt().clone());
    let cluster = tokio::task::spawn_blocking(move || {
        let program = Redis::installed()?;
        RedisCluster::start(&program, &folder, PRIMARIES, true, NODE_TIMEOUT, &interrupt)
    });
    let cluster = cluster.await.expect("no panic while a cluster starts")?;
    addresses.redis = cluster.url();
    let cluster = Held::new(cluster);
    let mut trial = Trial::start(Plan::usual(addresses, LONGEST_GAPS)).await;
    trial.wait_for_clients(CLIENTS).await;
    // Nobody may notice.
    let moved = cluster.with(|cluster| move_slots(cluster)).await?;
    trial.wait_for_clients(CLIENTS).await;

    let begin = trial.now();
    cluster.with(|cluster| cluster.fail_over_to(PRIMARIES + 1)).await?;
    trial.record(Fault::Restarted(Part::Redis), begin, "a replica took its primary's place");
    trial.wait_for_clients(CLIENTS).await;

    let begin = trial.now();
    cluster.with(kill_the_last).await?;
    let away = trial.now().saturating_sub(begin);
    trial.wait_for_clients(CLIENTS).await;
    trial.record(Fault::Killed(Part::Redis), begin, "a replica took over from a dead primary");
    trial.wait_for_clients(CLIENTS).await;
    let mut verdict = trial.judge().await;
    verdict.note(format!("{moved} slots moved, a third of the keys away for {away:.1?}"));
    verdict.expect(moved > 0, "no slot with keys was moved");
    Ok(verdict)
}

/// Moves slots that are in use from the first primary to the second.
fn move_slots(cluster: &RedisCluster) -> Result<usize, ServerError> {
    let slots = cluster.busy_slots(0, MOVES)?;
    for slot in &slots {
        cluster.move_slot(*slot, 0, 1)?;
    }
    Ok(slots.len())
}

/// Kills the third primary, waits until its replica has taken over, and starts it again, which makes
/// it the replica.
fn kill_the_last(cluster: &mut RedisCluster) -> Result<(), ServerError> {
    cluster.nodes[PRIMARIES - 1].server.kill();
    cluster.wait_for_primary(2 * PRIMARIES - 1)?;
    cluster.nodes[PRIMARIES - 1].server.start_again()
}
