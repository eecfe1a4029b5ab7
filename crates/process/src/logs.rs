//! Logs: one event per line on standard error. What an event holds is its author's responsibility:
//! identifiers and masked addresses, never a password, a code or a credential.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{IsTerminal, Write};
use std::panic::PanicHookInfo;

use settings::{LogFormat, Settings, SettingsError};
use tracing_subscriber::EnvFilter;

use crate::standard_error;

/// Never logged, whatever the filter says: actix reports each malformed request as an error, with
/// which any client could fill the log.
const SILENCED: [&str; 1] = ["actix_http::h1::dispatcher=off"];

/// Queues each event for standard error.
struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        standard_error::write_line(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Installs the subscriber of the process; the first call counts. Then warns of settings with old
/// names.
pub(crate) fn init(settings: &Settings) -> Result<(), SettingsError> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(settings)?)
        .with_writer(|| LogWriter)
        // Its own complaint about a failed write would go to standard error too, by a macro that
        // panics.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal());
    let installed = match settings.log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if let Err(error) = installed {
        tracing::debug!(event = "log.already_installed", %error, "a log subscriber was already installed");
    }
    std::panic::set_hook(Box::new(log_panic));
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

/// Which events are logged.
pub(crate) fn filter(settings: &Settings) -> Result<EnvFilter, SettingsError> {
    let problem = |error: &dyn std::fmt::Display| {
        SettingsError::invalid("log.filter", format!("is not a log filter: {error}"))
    };
    let mut filter = EnvFilter::try_new(&settings.log.filter).map_err(|error| problem(&error))?;
    for silenced in SILENCED {
        filter = filter.add_directive(silenced.parse().map_err(|error| problem(&error))?);
    }
    Ok(filter)
}

/// Logs a panic as an event of its own. The standard library's hook writes to standard error
/// itself, and waits there for a reader that reads nothing.
fn log_panic(panic: &PanicHookInfo<'_>) {
    if !tracing::event_enabled!(tracing::Level::ERROR) {
        standard_error::write_line(format!("{panic}\n").as_bytes());
        return;
    }
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload_as_str().unwrap_or("no message");
    let backtrace = Backtrace::capture();
    let backtrace =
        (backtrace.status() == BacktraceStatus::Captured).then(|| format!("{backtrace:?}"));
    tracing::error!(event = "panicked", thread, backtrace, "panicked at {location}: {message}");
}
