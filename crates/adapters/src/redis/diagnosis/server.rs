//! Whether the server keeps what it is given: a window that is forgotten is a code that is refused,
//! and a forgotten guess is one more.

use domain::Finding;

use super::info::Info;

/// The first version whose scripts may read the clock before they write.
const OLDEST: u32 = 5;

/// The part of `maxmemory` from which on the rest should be looked at, in percent.
const FILLING: u64 = 80;

/// What a server is there for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// It has everything.
    Alone,
    /// It has everything, or its share, and replicas may take over.
    Primary,
    /// It may have to take over.
    Replica,
}

pub(super) fn judge(info: &Info, part: Part) -> Vec<Finding> {
    vec![
        judge_version(info),
        judge_role(info, part),
        judge_eviction(info),
        judge_persistence(info),
        judge_memory(info),
    ]
}

fn judge_version(info: &Info) -> Finding {
    const CHECK: &str = "redis.version";
    // Valkey says besides which Redis it is compatible with.
    let (version, valkey) = (info.text("redis_version"), info.text("valkey_version"));
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major < OLDEST) {
        let message = format!("Redis {version} is too old");
        return Finding::error(CHECK, message, "upgrade the server to Redis 5 or later");
    }
    match valkey {
        "" => Finding::ok(CHECK, format!("Redis {version}")),
        _ => Finding::ok(CHECK, format!("Valkey {valkey}")),
    }
}

fn judge_role(info: &Info, part: Part) -> Finding {
    const CHECK: &str = "redis.role";
    let is_replica = info.text("role") == "slave";
    match part {
        Part::Alone if info.number("cluster_enabled") == 1 => Finding::error(
            CHECK,
            "the server is a node of a cluster, and has a part of the keys",
            "write redis+cluster:// in redis.url, best with several of its nodes",
        ),
        Part::Alone | Part::Primary if is_replica => {
            Finding::error(CHECK, "the server is a replica", "let redis.url lead to the primary")
        }
        Part::Alone | Part::Primary => Finding::ok(CHECK, "the server is a primary"),
        Part::Replica if is_replica && info.text("master_link_status") == "down" => {
            let message = "the replica is not connected to its primary";
            Finding::warning(CHECK, message, "let it reach the primary; see its log")
        }
        Part::Replica => Finding::ok(CHECK, "the server can take over"),
    }
}

fn judge_eviction(info: &Info) -> Finding {
    const CHECK: &str = "redis.eviction";
    let (policy, limit) = (info.text("maxmemory_policy"), info.number("maxmemory"));
    let message = format!(
        "maxmemory-policy is {policy}: a full server forgets codes, and guesses that were made"
    );
    let advice = "set maxmemory-policy to noeviction";
    match policy {
        "" | "noeviction" => Finding::ok(CHECK, "a full server forgets nothing"),
        _ if limit == 0 => Finding::warning(CHECK, message, advice),
        _ => Finding::error(CHECK, message, advice),
    }
}

fn judge_persistence(info: &Info) -> Finding {
    const CHECK: &str = "redis.persistence";
    if info.number("aof_enabled") == 0 {
        return Finding::warning(
            CHECK,
            "appendonly is off: a restart forgets codes, and guesses that were made",
            "set appendonly to yes",
        );
    }
    if info.text("aof_last_write_status") == "err" {
        let message = "the append-only file could not be written";
        return Finding::error(CHECK, message, "give the server free disk space; see its log");
    }
    Finding::ok(CHECK, "what is written outlasts a restart")
}

fn judge_memory(info: &Info) -> Finding {
    const CHECK: &str = "redis.memory";
    let (used, limit) = (info.number("used_memory"), info.number("maxmemory"));
    let megabytes = |bytes: u64| bytes / 1_000_000;
    if limit == 0 {
        return Finding::ok(CHECK, format!("{} MB in use, without a limit", megabytes(used)));
    }
    let message = format!("{} of {} MB in use", megabytes(used), megabytes(limit));
    if used.saturating_mul(100) >= limit.saturating_mul(FILLING) {
        let advice = "raise maxmemory: a full server takes no codes, and activation answers 503";
        return Finding::warning(CHECK, message, advice);
    }
    Finding::ok(CHECK, message)
}

#[cfg(test)]
mod tests {
    use domain::Severity;

    use super::*;

    #[test]
    fn a_version_that_is_too_old_is_an_error() {
        for (version, severity) in
            [("4.0.14", Severity::Error), ("5.0.0", Severity::Ok), ("10.1", Severity::Ok)]
        {
            let finding = judge_version(&Info::parse(&format!("redis_version:{version}\r\n")));
            assert_eq!(finding.severity, severity, "{finding:?}");
            assert!(finding.message.contains(version), "{finding:?}");
        }
    }

    #[test]
    fn valkey_is_called_by_its_name() {
        let info = "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\n";
        assert_eq!(judge_version(&Info::parse(info)).message, "Valkey 8.0.1");
    }

    #[test]
    fn a_replica_that_lost_its_primary_is_a_warning() {
        for (link, severity) in [("up", Severity::Ok), ("down", Severity::Warning)] {
            let info = Info::parse(&format!("role:slave\r\nmaster_link_status:{link}\r\n"));
            assert_eq!(judge_role(&info, Part::Replica).severity, severity);
            assert_eq!(judge_role(&info, Part::Primary).severity, Severity::Error);
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error() {
        for (status, severity) in [("ok", Severity::Ok), ("err", Severity::Error)] {
            let info = format!("aof_enabled:1\r\naof_last_write_status:{status}\r\n");
            assert_eq!(judge_persistence(&Info::parse(&info)).severity, severity);
        }
    }
}
