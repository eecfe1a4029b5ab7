//! Metrics in Prometheus' form. Names and labels follow the conventions of Prometheus and, where it
//! has one for the purpose, OpenTelemetry; all of ours begin with `registration_`. No label may ever
//! hold an address, an identifier or a code.
//!
//! Each metric is described once, in a table ([`Metric`]); `docs/metrics.md` is made of these.

mod collector;
mod metric;
mod shared;

use std::time::Duration;

use metrics::gauge;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use settings::SettingsError;
use supervisor::supervise;

pub use collector::{Collector, as_gauge};
pub use metric::{Kind, Label, Metric};
pub use shared::{POOL, QUEUES, pool_gauges, queue_gauges};

use crate::build::Build;
use crate::standard_error;

/// Upper bounds of the histograms of requests and hashes, in seconds: close to each other where it
/// begins to matter to the person who waits.
pub const LATENCY_BUCKETS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.5, 5.0, 10.0];

const BUILD_INFO: &str = "registration_build_info";
const DEPENDENCY_UP: &str = "registration_dependency_up";

/// What every process counts.
pub const PROCESS: &[Metric] = &[
    Metric::gauge(
        BUILD_INFO,
        "Always 1: the version that runs, and the commit that it was built of.",
    )
    .by(&[("service", &[]), ("version", &[]), ("commit", &[])]),
    Metric::gauge(
        DEPENDENCY_UP,
        "1 while the last use or probe of a dependency succeeded, else 0.",
    )
    .by(&[("dependency", &[])]),
    Metric::flag(
        collector::UNMEASURED,
        "1 while metrics of the moment cannot be measured and are NaN, else 0.",
    )
    .by(&[("measurement", &[])]),
    Metric::counter(
        supervisor::PANICS,
        "Panics of background tasks, each of which was started again.",
    )
    .by(&[("task", &[])]),
    Metric::counter(
        standard_error::LOST_LINES,
        "Log lines that could not be written to standard error.",
    ),
    Metric::counter(spans::EXPORTED, "Spans of traces that the collector has taken."),
    Metric::counter(
        spans::LOST,
        "Spans of traces that were recorded and lost: the collector did not take them, or too slowly.",
    ),
];

/// How often samples are put into their buckets.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Installs the metrics recorder of the process and returns the handle that renders it. What is in
/// the tables is described, and its counters are there at zero. Must be called within a tokio
/// runtime.
pub(crate) fn init(
    service: &'static str,
    build: &Build,
    tables: &[&[Metric]],
) -> Result<PrometheusHandle, SettingsError> {
    let table = || tables.iter().copied().chain([PROCESS]).flatten();
    let refused = |error| SettingsError::invalid("metrics", format!("cannot be recorded: {error}"));
    let mut builder = PrometheusBuilder::new();
    for metric in table() {
        if let Kind::Histogram(buckets) = metric.kind {
            let name = Matcher::Full(metric.name.into());
            builder = builder.set_buckets_for_metric(name, buckets).map_err(refused)?;
        }
    }
    let metrics = builder.install_recorder().map_err(refused)?;
    table().for_each(Metric::register);
    metrics_process::Collector::default().describe();
    let Build { version, commit, .. } = *build;
    gauge!(BUILD_INFO, "service" => service, "version" => version, "commit" => commit).set(1.0);
    standard_error::count_lost_so_far();
    let upkeep = metrics.clone();
    supervise("metrics-upkeep", move || run_upkeep(upkeep.clone()));
    Ok(metrics)
}

/// Whether the last use or probe of a dependency succeeded.
pub(crate) fn set_dependency_up(dependency: &'static str, is_up: bool) {
    gauge!(DEPENDENCY_UP, "dependency" => dependency).set(f64::from(u8::from(is_up)));
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
