//! Valkey in the place of Redis, which is restarted in between and keeps what it has.

use std::path::PathBuf;
use std::time::Duration;

use faults::schedule::{Fault, Part};
use faults::system::Held;
use test_servers::{Redis, ServerError, Storage};

use crate::gaps::Gaps;
use crate::stage::Stage;
use crate::trial::{Plan, Trial};
use crate::verdict::Verdict;

const NAME: &str = "valkey";

/// Names Valkey's program.
const PROGRAM: &str = "TEST_VALKEY_SERVER";

/// How many clients go through before and after the restart.
const CLIENTS: usize = 15;

const LONGEST_GAPS: Gaps =
    Gaps { registrations: Duration::from_secs(6), mails: Duration::from_secs(8) };

pub(crate) async fn play(stage: &Stage) -> Result<Verdict, ServerError> {
    let mut addresses = stage.addresses(NAME).await?;
    let Some(program) = std::env::var_os(PROGRAM).map(PathBuf::from) else {
        return Ok(Verdict::failure(format!(
            "{PROGRAM} names no program: run cargo xtask clusters"
        )));
    };
    let mut valkey = Redis::start_program(&program, &stage.folder(NAME)?, Storage::Durable)?;
    valkey.server.wait_until_ready(stage.interrupt())?;
    addresses.redis = valkey.server.url().to_owned();
    let valkey = Held::new(valkey);
    let mut trial =
        Trial::start(Plan { apis: 1, workers: 1, ..Plan::usual(addresses, LONGEST_GAPS) }).await;
    trial.wait_for_clients(CLIENTS).await;
    let (begin, interrupt) = (trial.now(), stage.interrupt().clone());
    valkey.with(move |valkey| valkey.server.restart(&interrupt)).await?;
    trial.record(Fault::Restarted(Part::Redis), begin, "Valkey was restarted");
    trial.wait_for_clients(CLIENTS).await;
    let mut verdict = trial.judge().await;
    let version = valkey.with(|valkey| valkey.valkey_version()).await?;
    verdict.note(format!("Valkey {version}"));
    verdict.expect(!version.is_empty(), "the server is not Valkey");
    Ok(verdict)
}
