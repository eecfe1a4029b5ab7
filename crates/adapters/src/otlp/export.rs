//! Sends what has gathered, batch by batch.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::ErrorChain;
use metrics::counter;
use opentelemetry_sdk::trace::SpanData;
use tokio::sync::mpsc::Receiver;
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use super::collector::Collector;

/// The most spans of one request.
const LARGEST_BATCH: usize = 512;

/// How long spans gather, counted from the first.
const GATHERING: Duration = Duration::from_secs(1);

/// What the exporting task works with.
pub(super) struct Export {
    pub(super) collector: Collector,
    /// Kept over a panic.
    pub(super) spans: Mutex<Receiver<SpanData>>,
    /// Whether the last batch was lost.
    pub(super) is_failing: AtomicBool,
}

impl Export {
    /// Runs until `ending` is true and nothing is left to be sent.
    pub(super) async fn run(&self, mut ending: watch::Receiver<bool>) {
        let mut spans = self.spans.lock().await;
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                _ = ending.wait_for(|ending| *ending) => break,
                _ = spans.recv_many(&mut batch, LARGEST_BATCH) => {}
            }
            tokio::select! {
                _ = ending.wait_for(|ending| *ending) => {}
                _ = timeout(GATHERING, fill(&mut batch, &mut spans)) => {}
            }
            self.send(batch).await;
        }
        spans.close();
        let mut rest = Vec::new();
        while spans.recv_many(&mut rest, LARGEST_BATCH).await > 0 {
            self.send(std::mem::take(&mut rest)).await;
        }
    }

    async fn send(&self, batch: Vec<SpanData>) {
        let count = batch.len() as u64;
        match self.collector.send(batch).await {
            Ok(refused) => {
                counter!(spans::EXPORTED).increment(count.saturating_sub(refused));
                counter!(spans::LOST).increment(refused);
                if self.is_failing.swap(false, Ordering::Relaxed) {
                    tracing::info!(event = "traces.recovered", "the collector takes spans again");
                }
            }
            Err(error) => {
                counter!(spans::LOST).increment(count);
                // Once per outage.
                if !self.is_failing.swap(true, Ordering::Relaxed) {
                    let error = ErrorChain(&error);
                    tracing::warn!(event = "traces.lost", %error, "the collector takes no spans; they are lost");
                }
            }
        }
    }
}

/// Adds what comes until the batch is full.
async fn fill(batch: &mut Vec<SpanData>, spans: &mut Receiver<SpanData>) {
    while batch.len() < LARGEST_BATCH {
        if spans.recv_many(batch, LARGEST_BATCH - batch.len()).await == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::UNIX_EPOCH;

    use metrics_exporter_prometheus::PrometheusBuilder;
    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status};
    use opentelemetry_proto::tonic::collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceResponse,
    };
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks, SpanProcessor};
    use prost::Message;
    use secrecy::SecretString;
    use tokio::sync::mpsc;
    use wiremock::matchers::header;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::super::options::OtlpOptions;
    use super::super::queue::Queue;
    use super::*;

    fn span() -> SpanData {
        SpanData {
            span_context: SpanContext::empty_context(),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "test".into(),
            start_time: UNIX_EPOCH,
            end_time: UNIX_EPOCH,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::builder("test").build(),
        }
    }

    /// Puts so many spans through the queue to a collector with this answer, until the process ends.
    /// Returns how many are counted as exported and as lost.
    async fn counts_after(spans: usize, answer: ResponseTemplate) -> (String, String) {
        test_support::install_crypto_provider();
        let server = MockServer::start().await;
        Mock::given(header("authorization", "Bearer x")).respond_with(answer).mount(&server).await;
        let options = OtlpOptions {
            endpoint: server.uri(),
            headers: vec![SecretString::from("authorization=Bearer x")],
            sample_ratio: 1.0,
            service: "test",
            version: "1",
        };
        let recorder = PrometheusBuilder::new().build_recorder();
        let _recording = metrics::set_default_local_recorder(&recorder);
        let collector = Collector::new(&options).unwrap();
        let (sender, receiver) = mpsc::channel(3);
        let queue = Queue(sender);
        (0..spans).for_each(|_| queue.on_end(span()));
        let (spans, is_failing) = (Mutex::new(receiver), AtomicBool::new(false));
        let export = Arc::new(Export { collector, spans, is_failing });
        export.run(watch::Sender::new(true).subscribe()).await;
        let text = recorder.handle().render();
        let count = |name: &str| {
            let mut lines = text.lines();
            let line = lines.find_map(|line| line.strip_prefix(name));
            line.unwrap_or("0").trim().to_owned()
        };
        (count(spans::EXPORTED), count(spans::LOST))
    }

    #[tokio::test]
    async fn what_is_sent_and_what_is_lost_is_counted() {
        let pair = |exported: &str, lost: &str| (exported.to_owned(), lost.to_owned());
        let accepted = || ResponseTemplate::new(200);
        assert_eq!(counts_after(2, accepted()).await, pair("2", "0"));
        assert_eq!(counts_after(5, accepted()).await, pair("3", "2"), "the queue takes three");
        assert_eq!(counts_after(2, ResponseTemplate::new(503)).await, pair("0", "2"));
        let partial = ExportTracePartialSuccess { rejected_spans: 1, ..Default::default() };
        let partial = ExportTraceServiceResponse { partial_success: Some(partial) };
        let partial = accepted().set_body_bytes(partial.encode_to_vec());
        assert_eq!(counts_after(3, partial).await, pair("2", "1"));
        let garbled = accepted().set_body_bytes(b"\xff\xff");
        assert_eq!(counts_after(1, garbled).await, pair("1", "0"));
    }
}
