//! From `main` to a running service, and from an error to an exit code.

use std::process::ExitCode;

use metrics_exporter_prometheus::PrometheusHandle;
use settings::{Settings, default_threads};
use supervisor::supervise;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::build::Build;
use crate::error::StartError;
use crate::health::Health;
use crate::metrics::{Collector, Metric};
use crate::operator::OperatorListener;
use crate::threads::try_threads;
use crate::{descriptors, logs, metrics, output, shutdown, standard_error};

/// Runs `work` on a runtime of its own and turns an error into a sentence on standard error and a
/// failure. Without a number of threads there is one per core, but not any number.
pub fn run(
    program: &str,
    threads: Option<usize>,
    work: impl Future<Output = Result<ExitCode, StartError>>,
) -> ExitCode {
    // Declared before the runtime, so that it is dropped after it, at a panic too.
    let _flush = standard_error::FlushOnDrop;
    // Starts the thread that writes, while there may be one: what is refused below has to be told.
    standard_error::flush();
    let threads = threads.unwrap_or_else(default_threads);
    match start_runtime(threads).and_then(|runtime| runtime.block_on(work)) {
        Ok(code) => code,
        Err(error) => {
            // Where nobody reads it, the exit code still tells.
            output::tell(&format!("{program}: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// A runtime with all of its threads, and room for one that blocks.
fn start_runtime(threads: usize) -> Result<Runtime, StartError> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    try_threads(threads + 1)
        .and_then(|()| builder.worker_threads(threads).enable_all().build())
        .map_err(StartError::Runtime)
}

/// What a command needs that does something and ends: a log and TLS.
pub fn begin_command(settings: &Settings) -> Result<(), StartError> {
    logs::init(settings)?;
    install_crypto();
    Ok(())
}

/// Makes rustls with ring the TLS stack of the process, before anything connects.
pub fn install_crypto() {
    // Fails only where a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// What a service has from its start to its end.
pub struct Service {
    /// Cancelled when the process is asked to stop.
    pub shutdown: CancellationToken,
    /// How many files and sockets it may have open.
    pub descriptors: usize,
    metrics: PrometheusHandle,
    operator: Option<OperatorListener>,
}

impl Service {
    /// Installs logs, metrics, TLS and the handling of signals, and raises the limit on open files.
    /// The tables are those of the metrics of the service of this name, which this build is of. Must
    /// be called within a tokio runtime.
    pub fn begin(
        name: &'static str,
        build: &Build,
        settings: &Settings,
        tables: &[&[Metric]],
    ) -> Result<Self, StartError> {
        begin_command(settings)?;
        let metrics = metrics::init(name, build, tables)?;
        let shutdown = shutdown::on_signal().map_err(StartError::Runtime)?;
        Ok(Self { shutdown, descriptors: descriptors::raise_limit(), metrics, operator: None })
    }

    /// Watches the dependencies and, where one is set, serves the operator's listener, in the
    /// background.
    pub fn serve_operator(
        &mut self,
        settings: &Settings,
        health: Health,
        collector: Collector,
    ) -> Result<(), StartError> {
        let watched = health.clone();
        supervise("health-watch", move || watched.clone().watch());
        let Some(address) = settings.metrics.listen else { return Ok(()) };
        let advice = "set metrics.listen (REGISTRATION__METRICS__LISTEN) to another port or to off";
        let metrics = self.metrics.clone();
        let listener = OperatorListener::start(address, metrics, collector, health)
            .map_err(|source| StartError::Listen { address, source, advice })?;
        self.operator = Some(listener);
        Ok(())
    }

    /// Ends the operator's listener, after everything that it tells about.
    pub async fn end(self) {
        if let Some(listener) = self.operator {
            listener.end().await;
        }
    }
}
