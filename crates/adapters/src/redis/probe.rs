//! Whether the server takes writes, which only a write can tell: a replica, a full server and one
//! that cannot save answer a PING too.

use std::time::Duration;

use super::command::Command;

/// How long the key of a probe is kept.
const LIFETIME: Duration = Duration::from_secs(1);

/// The key of a probe. On a cluster there are several, which begin with this.
pub(super) fn probe_key(prefix: &str) -> String {
    format!("{prefix}:probe")
}

/// Writes a key that goes by itself.
pub(super) fn probe(key: String) -> Command<'static> {
    let lifetime = LIFETIME.as_millis().to_string();
    Command::new("SET", key).arg(1).arg("PX").arg(lifetime)
}
