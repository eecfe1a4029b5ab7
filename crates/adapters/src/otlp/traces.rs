//! The export from its start to its end.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use supervisor::supervise;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::collector::Collector;
use super::export::Export;
use super::options::{OtlpOptions, OtlpOptionsError};
use super::queue::Queue;

/// The most spans that wait. One takes about a kilobyte.
const LONGEST_QUEUE: usize = 4096;

/// How long the last spans may take to be sent.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// While this exists, the spans of the process are recorded and sent. The default records none.
#[derive(Default)]
pub struct Traces(Option<Running>);

struct Running {
    ending: watch::Sender<bool>,
    export: JoinHandle<()>,
}

impl Traces {
    /// Has the spans of this process sent, in the background. Must be called within a tokio runtime,
    /// and once.
    pub fn start(options: &OtlpOptions) -> Result<Self, OtlpOptionsError> {
        let collector = Collector::new(options)?;
        let (sender, spans) = mpsc::channel(LONGEST_QUEUE);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Queue(sender))
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                options.sample_ratio,
            ))))
            .build();
        spans::record_with(BoxedTracer::new(Box::new(provider.tracer("registration"))));
        let (ending, ended) = watch::channel(false);
        let (spans, is_failing) = (Mutex::new(spans), AtomicBool::new(false));
        let export = Arc::new(Export { collector, spans, is_failing });
        let export = supervise("traces", move || {
            let (export, ended) = (export.clone(), ended.clone());
            async move { export.run(ended).await }
        });
        Ok(Self(Some(Running { ending, export })))
    }

    /// Sends what has ended by now, if the collector takes it in time.
    pub async fn end(self) {
        let Some(Running { ending, export }) = self.0 else { return };
        ending.send_replace(true);
        if timeout(FLUSH_TIMEOUT, export).await.is_err() {
            tracing::warn!(
                event = "traces.cut_off",
                "the collector was too slow for the last spans"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_collector_that_hangs_delays_the_end_of_a_process_for_a_moment_only() {
        let (ending, export) = (watch::Sender::new(false), tokio::spawn(pending()));
        let started = Instant::now();
        Traces(Some(Running { ending, export })).end().await;
        assert_eq!(started.elapsed().as_secs(), FLUSH_TIMEOUT.as_secs());
        Traces::default().end().await;
    }
}
