//! The server: its version, clock, connections, and whether what it acknowledges is on disk.

use std::time::Duration;

use domain::Finding;
use tokio::time::Instant;
use tokio_postgres::Client;

use super::super::connector::Connector;
use super::super::options::PostgresOptions;
use super::question::columns;
use crate::diagnosis::{judge_clock, read_clock};

/// The first version that has what the queries use, as `server_version_num` writes it.
const OLDEST: u32 = 140_000;

const QUESTION: &str = "
    SELECT current_setting('server_version_num'), current_setting('server_version'),
        (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
        current_setting('fsync'), current_setting('synchronous_commit'),
        current_setting('synchronous_standby_names'),
        current_setting('max_connections')::int
            - current_setting('superuser_reserved_connections')::int,
        (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')";

pub(super) async fn judge(
    client: &Client,
    connector: &Connector,
    options: &PostgresOptions,
    is_pooled: bool,
) -> Result<Vec<Finding>, Finding> {
    let (asked, before) = (Instant::now(), read_clock());
    let answer = columns(client, options, QUESTION).await?;
    let (took, after) = (asked.elapsed(), read_clock());
    let [version_number, version, millis, fsync, synchronous, standbys, allowed, used] = answer;
    let server_time = Duration::from_millis(millis.parse().unwrap_or_default());
    let mut findings = vec![
        judge_version(version_number.parse().unwrap_or_default(), &version),
        judge_clock("postgres.clock", before, server_time, after),
        judge_latency(took, options),
        judge_durability(&fsync, &synchronous),
    ];
    if connector.hosts().len() > 1 {
        findings.push(judge_replication(&synchronous, &standbys));
    }
    // Behind a pooler the server's connections are the pooler's.
    if !is_pooled && !options.transaction_pooling {
        let [allowed, used] = [allowed, used].map(|number| number.parse().unwrap_or_default());
        findings.push(judge_connections(options.pool_size, allowed, used));
    }
    Ok(findings)
}

fn judge_version(number: u32, version: &str) -> Finding {
    const CHECK: &str = "postgres.version";
    if number < OLDEST {
        let message = format!("PostgreSQL {version} is too old");
        return Finding::error(CHECK, message, "upgrade the server to PostgreSQL 14 or later");
    }
    Finding::ok(CHECK, format!("PostgreSQL {version}"))
}

fn judge_latency(took: Duration, options: &PostgresOptions) -> Finding {
    const CHECK: &str = "postgres.latency";
    let took_millis = took.as_millis();
    if took > options.statement_timeout / 4 {
        return Finding::warning(
            CHECK,
            format!("a query without any work took {took_millis} ms"),
            "look at the network and the load of the server, or raise postgres.statement_timeout",
        );
    }
    Finding::ok(CHECK, format!("a query without any work took {took_millis} ms"))
}

fn judge_durability(fsync: &str, synchronous_commit: &str) -> Finding {
    const CHECK: &str = "postgres.durability";
    for (setting, value) in [("fsync", fsync), ("synchronous_commit", synchronous_commit)] {
        if value == "off" {
            return Finding::warning(
                CHECK,
                format!("{setting} is off: a crash of the server loses accepted registrations"),
                format!("turn {setting} on"),
            );
        }
    }
    Finding::ok(CHECK, "what is committed is on disk")
}

/// Whether a standby has what the primary acknowledges, if there is one to take over.
fn judge_replication(synchronous_commit: &str, standbys: &str) -> Finding {
    const CHECK: &str = "postgres.replication";
    let lost = "a fail-over loses the registrations that were accepted last";
    if standbys.is_empty() {
        let message = format!("no commit waits for a standby: {lost}");
        return Finding::warning(CHECK, message, "set synchronous_standby_names on each server");
    }
    if synchronous_commit == "local" {
        let message = format!("synchronous_commit is local, without the standbys: {lost}");
        return Finding::warning(CHECK, message, "set synchronous_commit to on");
    }
    Finding::ok(CHECK, format!("commits wait for {standbys}"))
}

fn judge_connections(pool_size: usize, allowed: usize, used: usize) -> Finding {
    const CHECK: &str = "postgres.connections";
    if pool_size > allowed {
        return Finding::warning(
            CHECK,
            format!("postgres.pool_size is {pool_size}, and the server allows {allowed} in all"),
            "lower postgres.pool_size, or raise max_connections of the server",
        );
    }
    if used * 10 >= allowed * 9 {
        return Finding::warning(
            CHECK,
            format!("{used} of the {allowed} connections that the server allows are in use"),
            "raise max_connections of the server, or lower postgres.pool_size of all processes",
        );
    }
    Finding::ok(CHECK, format!("{used} of {allowed} are in use"))
}

#[cfg(test)]
mod tests {
    use domain::Severity;

    use super::*;

    #[test]
    fn servers_that_are_too_old_forgetful_or_full_are_named() {
        assert_eq!(judge_version(130_014, "13.14").severity, Severity::Error);
        assert_eq!(judge_version(140_000, "14.0").severity, Severity::Ok);
        for (fsync, synchronous_commit, named) in
            [("off", "on", "fsync"), ("on", "off", "synchronous_commit")]
        {
            let finding = judge_durability(fsync, synchronous_commit);
            assert_eq!(finding.severity, Severity::Warning);
            assert!(finding.message.contains(named), "{finding:?}");
        }
        for durable in ["on", "local", "remote_write", "remote_apply"] {
            assert_eq!(judge_durability("on", durable).severity, Severity::Ok, "{durable}");
        }
        for (synchronous_commit, standbys, severity) in [
            ("on", "", Severity::Warning),
            ("local", "ANY 1 (*)", Severity::Warning),
            ("on", "ANY 1 (*)", Severity::Ok),
        ] {
            let finding = judge_replication(synchronous_commit, standbys);
            assert_eq!(finding.severity, severity, "{finding:?}");
        }
        for (pool_size, allowed, used, severity) in [
            (10, 97, 12, Severity::Ok),
            (98, 97, 12, Severity::Warning),
            (10, 97, 88, Severity::Warning),
        ] {
            let finding = judge_connections(pool_size, allowed, used);
            assert_eq!(finding.severity, severity, "{finding:?}");
        }
    }

    #[test]
    fn a_slow_server_is_named() {
        let options = PostgresOptions {
            url: "postgres://db/x".into(),
            pool_size: 1,
            connect_timeout: Duration::from_secs(3),
            wait_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(4),
            transaction_pooling: false,
        };
        let severity = |millis| judge_latency(Duration::from_millis(millis), &options).severity;
        assert_eq!((severity(1000), severity(1001)), (Severity::Ok, Severity::Warning));
    }
}
