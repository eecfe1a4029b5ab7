//! Logs: one event per line on standard error. What an event holds is its author's responsibility: identifiers
//! and masked addresses, never a password, a code or a credential.

use std::io::{IsTerminal, Write};

use settings::{LogFormat, Settings, SettingsError};
use tracing_subscriber::EnvFilter;

/// Never logged, whatever the filter says: actix reports each malformed request as an error, with which any client
/// could fill the log.
const SILENCED: [&str; 1] = ["actix_http::h1::dispatcher=off"];

/// Counts lines that could not be written.
const LOST_LINES: &str = "log_lines_lost_total";

/// Tells the installed recorder what the metric means.
pub(crate) fn describe_metrics() {
    metrics::describe_counter!(LOST_LINES, "Log lines that could not be written to standard error.");
    metrics::counter!(LOST_LINES).increment(0);
}

/// Standard error, as far as it takes anything: a log that cannot be written is counted and passed over (OWASP
/// ASVS 16.5.2).
#[derive(Default)]
struct BestEffort;

impl Write for BestEffort {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        if std::io::stderr().write_all(line).is_err() {
            metrics::counter!(LOST_LINES).increment(1);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Installs the subscriber of the process; the first call counts. Then warns of settings with old names.
pub(crate) fn init(settings: &Settings) -> Result<(), SettingsError> {
    let problem = |error: &dyn std::fmt::Display| {
        SettingsError::invalid("log.filter", format!("is not a log filter: {error}"))
    };
    let mut filter = EnvFilter::try_new(&settings.log.filter).map_err(|error| problem(&error))?;
    for silenced in SILENCED {
        filter = filter.add_directive(silenced.parse().map_err(|error| problem(&error))?);
    }
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(BestEffort::default)
        // Its own complaint about a failed write would go to standard error too, by a macro that panics.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal());
    let installed = match settings.log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if let Err(error) = installed {
        tracing::debug!(event = "log.already_installed", %error, "a log subscriber was already installed");
    }
    for key in &settings.renamed {
        tracing::warn!(
            event = "settings.renamed",
            old = key.old,
            new = key.new,
            "a setting has a new name; the old one will not be read by the next version"
        );
    }
    Ok(())
}
