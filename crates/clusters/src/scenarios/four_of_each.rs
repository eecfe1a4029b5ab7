//! Four APIs and four workers on the same stores: no event is published twice, one API at a time
//! purges, and one of each is killed.

use std::time::Duration;

use faults::evidence::At;
use faults::schedule::{Fault, Part};
use test_servers::ServerError;
use test_support::eventually;

use crate::gaps::Gaps;
use crate::observer::Observer;
use crate::sql::{execute, query_number};
use crate::stage::Stage;
use crate::trial::{Plan, Trial};
use crate::verdict::Verdict;

const NAME: &str = "four-of-each";

/// How many clients go through after each step.
const CLIENTS: usize = 20;

/// How many events the relays find at once, and how many registrations are out of date.
const EVENTS: u64 = 4000;
const STALE: u64 = 2000;

/// What an API that is killed has published without having deleted it, was published this long ago.
const UNDELETED: Duration = Duration::from_secs(2);

/// Nothing stands still.
const LONGEST_GAPS: Gaps =
    Gaps { registrations: Duration::from_secs(5), mails: Duration::from_secs(5) };

/// Writes down when registrations are deleted, and makes it last a little.
const WATCH_PURGES: &str = "
    CREATE TABLE purges (session int, span tstzrange, deleted bigint);
    CREATE FUNCTION note_purge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_sleep(0.005);
        INSERT INTO purges SELECT pg_backend_pid(),
            tstzrange(statement_timestamp(), clock_timestamp()), count(*) FROM gone;
        RETURN NULL;
    END $$;
    CREATE TRIGGER note_purge AFTER DELETE ON users REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION note_purge()";

const OVERLAPS: &str = "SELECT count(*) FROM purges AS one JOIN purges AS other
    ON one.session < other.session AND one.span && other.span";

const REMAINING: &str = "SELECT count(*) FROM users WHERE email_key LIKE 'stale%'";

pub(crate) async fn play(stage: &Stage) -> Result<Verdict, ServerError> {
    let addresses = stage.addresses(NAME).await?;
    let settings = [
        ("registration.purge_interval", "1s"),
        ("registration.purge_batch", "100"),
        // So that all four take part in the work before one has done it.
        ("outbox.batch", "10"),
        ("outbox.poll_interval", "20ms"),
    ];
    let mut trial = Trial::start(Plan {
        apis: 4,
        workers: 4,
        settings: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
        ..Plan::usual(addresses.clone(), LONGEST_GAPS)
    })
    .await;
    let observer = Observer::start(&addresses).await;
    execute(&addresses.postgres, WATCH_PURGES).await;
    execute(&addresses.postgres, &stale_registrations()).await;
    execute(&addresses.postgres, &events_in_the_outbox()).await;
    wait_until_none(&addresses.postgres, REMAINING).await;
    eventually("the events to be published", async || {
        (observer.count_of("user.activated") >= usize::try_from(EVENTS).ok()?).then_some(())
    })
    .await;
    trial.wait_for_clients(CLIENTS).await;

    let killed = trial.now();
    for part in [Part::Api(0), Part::Worker(0)] {
        trial.system.kill(part);
    }
    trial.wait_for_clients(CLIENTS).await;
    for part in [Part::Api(0), Part::Worker(0)] {
        trial.system.launch(part);
        trial.record(Fault::Killed(part), killed, "it was killed");
    }
    trial.system.wait_until_ready().await;
    trial.wait_for_clients(CLIENTS).await;
    let clock = trial.clock();
    let mut verdict = trial.judge().await;
    judge_events(&mut verdict, &observer.copies(&clock), killed);
    judge_purges(&mut verdict, &addresses.postgres).await;
    Ok(verdict)
}

/// An event may be published twice only if the API died between its confirmation and its deletion.
fn judge_events(verdict: &mut Verdict, copies: &[(String, Vec<At>)], killed: At) {
    let repeated = copies.iter().filter(|(_, at)| at.len() > 1);
    let (explained, unexplained): (Vec<_>, Vec<_>) = repeated
        .partition(|(_, at)| at[0] <= killed && at[0] + UNDELETED >= killed && at.len() == 2);
    verdict.note(format!("{} events, {} of them twice", copies.len(), explained.len()));
    let (count, some) = (unexplained.len(), unexplained.iter().take(5).collect::<Vec<_>>());
    let problem = format!("{count} published more than once without cause, as {some:?}");
    verdict.expect(count == 0, problem);
}

async fn judge_purges(verdict: &mut Verdict, url: &str) {
    let deleted = query_number(url, "SELECT sum(deleted) FROM purges").await;
    let sessions = "SELECT count(DISTINCT session) FROM purges";
    let (overlaps, sessions) =
        (query_number(url, OVERLAPS).await, query_number(url, sessions).await);
    verdict.note(format!("{deleted} registrations purged over {sessions} sessions"));
    verdict.expect(deleted == STALE, format!("{deleted} instead of {STALE} were purged"));
    verdict.expect(overlaps == 0, format!("{overlaps} times two purged at once"));
}

fn stale_registrations() -> String {
    format!(
        "INSERT INTO users (id, email, email_key, password_hash, code_number, code_requested_at,
            code_expires_at)
        SELECT gen_random_uuid(), address, address, '', 1, now() - interval '8 days',
            now() - interval '8 days'
        FROM (SELECT 'stale' || i || '@example.org' AS address
            FROM generate_series(1, {STALE}) AS i) AS addresses"
    )
}

/// They need no mail.
fn events_in_the_outbox() -> String {
    format!(
        "INSERT INTO outbox (id, type, user_id, traceparent)
        SELECT gen_random_uuid(), 'user.activated', gen_random_uuid(),
            '00-' || replace(gen_random_uuid()::text, '-', '') || '-0123456789abcdef-01'
        FROM generate_series(1, {EVENTS})"
    )
}

async fn wait_until_none(url: &str, query: &str) {
    eventually("the purge of everything", async || {
        (query_number(url, query).await == 0).then_some(())
    })
    .await;
}
