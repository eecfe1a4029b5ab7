//! All services reach PostgreSQL through PgBouncer in transaction mode, with fewer sessions than
//! they have connections; it is restarted in between.

use std::time::Duration;

use faults::schedule::{Fault, Part};
use faults::system::Held;
use test_servers::{PgBouncer, ServerError};

use crate::gaps::Gaps;
use crate::sql::query_number;
use crate::stage::{Stage, database_on};
use crate::trial::{Plan, Trial};
use crate::verdict::Verdict;

/// A database `pgbouncer` would be its console.
const NAME: &str = "behind-pgbouncer";

/// Fewer than the connections of one process, so that all have to share.
const SESSIONS: u16 = 5;

/// How many clients go through before and after the restart.
const CLIENTS: usize = 20;

/// How long nothing may go on. A connection that is lost is made again at once.
const LONGEST_GAPS: Gaps =
    Gaps { registrations: Duration::from_secs(6), mails: Duration::from_secs(8) };

/// What a session of the server holds that a client has left there.
const LEFT_IN_SESSION: &str = "SELECT (SELECT count(*) FROM pg_prepared_statements)
    + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')
    + (SELECT count(*) FROM pg_listening_channels())
    + (SELECT count(*) FROM pg_settings WHERE source = 'session'
        AND name NOT IN ('application_name', 'client_encoding'))";

pub(crate) async fn play(stage: &Stage) -> Result<Verdict, ServerError> {
    let mut addresses = stage.addresses(NAME).await?;
    let folder = stage.folder(NAME)?;
    let interrupt = stage.interrupt().clone();
    let pooler = stage.postgres().with(move |postgres| {
        let server = format!("host=127.0.0.1 port={} user=postgres", postgres.server.port());
        let mut pooler = PgBouncer::start(&folder, &server, SESSIONS)?;
        pooler.server.wait_until_ready(&interrupt)?;
        Ok::<_, ServerError>(pooler)
    });
    let pooler = pooler.await?;
    addresses.postgres = database_on(pooler.server.url(), NAME);
    let pooler = Held::new(pooler);

    let mut trial = Trial::start(Plan {
        settings: vec![("postgres.transaction_pooling".to_owned(), "true".to_owned())],
        ..Plan::usual(addresses.clone(), LONGEST_GAPS)
    })
    .await;
    trial.wait_for_clients(CLIENTS).await;
    let (begin, interrupt) = (trial.now(), stage.interrupt().clone());
    pooler.with(move |pooler| pooler.server.restart(&interrupt)).await?;
    trial.record(Fault::Restarted(Part::Postgres), begin, "PgBouncer was restarted");
    trial.wait_for_clients(CLIENTS).await;
    let mut verdict = trial.judge().await;

    let mut left = 0;
    for _ in 0..2 * SESSIONS {
        left += query_number(&addresses.postgres, LEFT_IN_SESSION).await;
    }
    verdict.note(format!("{left} leftovers in {SESSIONS} sessions"));
    verdict.expect(left == 0, "the services left something in sessions that others get");
    Ok(verdict)
}
