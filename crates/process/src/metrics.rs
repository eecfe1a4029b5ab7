//! Metrics in Prometheus' form. No label may ever hold an address, an identifier or a code.

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use settings::SettingsError;
use supervisor::supervise;

use crate::standard_error;

/// Upper bounds of the latency histograms, in seconds: from a database round trip to an SMTP
/// timeout.
const LATENCY_BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0];

/// How often samples are put into their buckets.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Installs the metrics recorder of the process and returns the handle that renders it. Must be
/// called within a tokio runtime.
pub(crate) fn init() -> Result<PrometheusHandle, SettingsError> {
    let metrics = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &LATENCY_BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| {
            SettingsError::invalid("metrics", format!("cannot be recorded: {error}"))
        })?;
    let upkeep = metrics.clone();
    supervise("metrics-upkeep", move || run_upkeep(upkeep.clone()));
    supervisor::describe_metrics();
    standard_error::describe_metrics();
    Ok(metrics)
}

/// Every sample of a histogram is kept until it is put into its bucket: without this, until
/// somebody asks for the metrics, or for ever.
async fn run_upkeep(metrics: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}
