//! Whether there are descriptors for all the connections that the settings allow.

use domain::Finding;
use settings::Settings;

use crate::settings::possible_connections;

const CHECK: &str = "http.max_connections";

/// Judges a limit of `descriptors` open files and sockets.
pub(super) fn judge(settings: &Settings, descriptors: usize) -> Finding {
    let wanted = settings.http.max_connections.get();
    let possible = possible_connections(settings, descriptors);
    if possible < wanted {
        return Finding::warning(
            CHECK,
            format!("{wanted} are set, and the limit on open files allows {possible}"),
            "raise the hard limit (`ulimit -Hn`, LimitNOFILE= of systemd), or lower the setting",
        );
    }
    Finding::ok(CHECK, format!("the limit on open files allows for all {wanted}"))
}

#[cfg(test)]
mod tests {
    use domain::Severity;
    use settings::Sources;

    use super::*;

    #[test]
    fn a_limit_that_is_too_low_is_named() {
        let settings = Sources::default().with("http.max_connections", &1000).load().unwrap();
        assert_eq!(judge(&settings, 2000).severity, Severity::Ok);
        assert_eq!(judge(&settings, usize::MAX).severity, Severity::Ok);
        let finding = judge(&settings, 1024);
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.message.contains("1000"), "{finding:?}");
    }
}
