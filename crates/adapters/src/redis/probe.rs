//! Whether the server takes writes, which only a write can tell: a replica, a full server and one
//! that cannot save answer a PING too.

use std::time::Duration;

use redis::Cmd;

/// How long the key of a probe is kept.
const LIFETIME: Duration = Duration::from_secs(1);

/// Writes `<prefix>:probe`, which goes by itself.
pub(super) fn probe(prefix: &str) -> Cmd {
    let mut probe = redis::cmd("SET");
    let lifetime = LIFETIME.as_millis().to_string();
    probe.arg(format!("{prefix}:probe")).arg(1).arg("PX").arg(lifetime);
    probe
}
