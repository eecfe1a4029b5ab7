//! What the diagnoses of several technologies judge alike.

use std::net::IpAddr;

use domain::Finding;

/// Where nobody can listen: on this machine.
fn is_local(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.starts_with('/')
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a conversation that may hold a password can be read on the network.
pub(crate) fn judge_encryption(
    check: &'static str,
    host: &str,
    is_encrypted: bool,
    advice: &str,
) -> Finding {
    if is_encrypted {
        Finding::ok(check, "the conversation is encrypted, and the certificate was verified")
    } else if is_local(host) {
        Finding::ok(check, format!("no TLS, and none is needed: {host} is this machine"))
    } else {
        let message = format!("the conversation with {host} can be read on the network");
        Finding::warning(check, message, advice)
    }
}

#[cfg(any(feature = "postgres", feature = "redis"))]
pub(crate) use clock::{judge_clock, read_clock};

#[cfg(any(feature = "postgres", feature = "redis"))]
mod clock {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use domain::Finding;

    /// How far apart two clocks may be before certificates, the age of mails or the times in two
    /// logs confuse anybody.
    const TOLERANCE: Duration = Duration::from_secs(5);

    /// The time since 1970 by this machine's clock.
    #[expect(clippy::disallowed_methods, reason = "the clock is what is judged here")]
    pub(crate) fn read_clock() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    /// Compares a server's clock, read between two looks at our own.
    pub(crate) fn judge_clock(
        check: &'static str,
        before: Duration,
        server: Duration,
        after: Duration,
    ) -> Finding {
        let (ahead, behind) = (server.saturating_sub(after), before.saturating_sub(server));
        let advice = "let both machines set their clocks by NTP";
        if ahead > TOLERANCE {
            let message = format!("the server's clock is {} s ahead of this one", ahead.as_secs());
            Finding::warning(check, message, advice)
        } else if behind > TOLERANCE {
            let message = format!("the server's clock is {} s behind this one", behind.as_secs());
            Finding::warning(check, message, advice)
        } else {
            Finding::ok(check, "the server's clock agrees with this machine's")
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_clock_is_wrong_by_more_than_the_question_took() {
            let judge = |server: u64| {
                let [before, server, after] = [100, server, 103].map(Duration::from_secs);
                judge_clock("a.clock", before, server, after).message
            };
            for right in [95, 100, 103, 108] {
                assert!(judge(right).contains("agrees"), "{right}");
            }
            assert_eq!(judge(94), "the server's clock is 6 s behind this one");
            assert_eq!(judge(109), "the server's clock is 6 s ahead of this one");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_needs_no_encryption() {
        for host in ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]", "/run/postgresql"] {
            assert!(is_local(host), "{host}");
        }
        for host in ["db", "10.0.0.1", "localhost.example", "0.0.0.0", "::2"] {
            assert!(!is_local(host), "{host}");
        }
    }
}
