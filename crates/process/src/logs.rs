//! Logs: one event per line on standard error. What an event holds is its author's responsibility: identifiers
//! and masked addresses, never a password, a code or a credential.

use std::io::IsTerminal;

use settings::{LogFormat, Settings, SettingsError};
use tracing_subscriber::EnvFilter;

/// Never logged, whatever the filter says: actix reports each malformed request as an error, with which any client
/// could fill the log.
const SILENCED: [&str; 1] = ["actix_http::h1::dispatcher=off"];

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
        .with_writer(std::io::stderr)
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
