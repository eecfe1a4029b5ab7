//! Logs and metrics. One event a line on standard error; what is in an event is its author's
//! responsibility (identifiers and masked addresses, never a password, a code or a credential).

use std::io::IsTerminal;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use settings::{LogFormat, LogSettings, SettingsError};

/// Upper bounds of the latency histograms, in seconds: from a database round trip to an SMTP timeout.
const LATENCY_BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0];

/// How often samples are put into their buckets.
const UPKEEP: Duration = Duration::from_secs(5);

/// Never logged, whatever the filter says: actix reports each malformed request as an error, with which any client
/// could fill the log.
const SILENCED: [&str; 1] = ["actix_http::h1::dispatcher=off"];

/// Installs the subscriber of the process. The first call counts.
pub fn init_logs(settings: &LogSettings) -> Result<(), SettingsError> {
    let problem = |error: &dyn std::fmt::Display| {
        SettingsError::invalid("log.filter", format!("is not a log filter: {error}"))
    };
    let mut filter = EnvFilter::try_new(&settings.filter).map_err(|error| problem(&error))?;
    for silenced in SILENCED {
        filter = filter.add_directive(silenced.parse().map_err(|error| problem(&error))?);
    }
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let installed = match settings.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if let Err(error) = installed {
        tracing::debug!(%error, "a log subscriber was already installed");
    }
    Ok(())
}

/// Installs the metrics recorder of the process and returns the handle that renders it. Must be called within a
/// tokio runtime.
pub fn init_metrics() -> Result<PrometheusHandle, SettingsError> {
    let metrics = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &LATENCY_BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| SettingsError::invalid("metrics", format!("cannot be recorded: {error}")))?;
    tokio::spawn(tidy_regularly(metrics.clone()));
    Ok(metrics)
}

/// Every sample of a histogram is kept until it is put into its bucket: without this, until somebody asks for the
/// metrics, or for ever.
async fn tidy_regularly(metrics: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}
