//! A collector of traces that understands what it is sent.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::TcpListener;

use acceptance::{Journey, Setup};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use test_support::{eventually, free_port};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A collector that is started by the test, on a port that is known before.
pub(crate) fn traced(setup: Setup) -> Setup {
    setup.with("telemetry.otlp_endpoint", &format!("http://127.0.0.1:{}", free_port()))
}

pub(crate) struct Collector(MockServer);

/// A span as it was received.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) trace_id: String,
    pub(crate) id: String,
    /// Empty for the first one.
    pub(crate) parent: String,
    pub(crate) has_failed: bool,
    pub(crate) attributes: BTreeMap<String, String>,
    /// The traces that it is linked to.
    pub(crate) links: Vec<String>,
    pub(crate) nanoseconds: u64,
}

impl Collector {
    pub(crate) async fn start(journey: &Journey) -> Self {
        let url = journey.system.setting("telemetry.otlp_endpoint");
        let listener = TcpListener::bind(url.strip_prefix("http://").unwrap()).unwrap();
        let server = MockServer::builder().listener(listener).start().await;
        let export = Mock::given(method("POST")).and(path("/v1/traces"));
        let export = export.and(header("content-type", "application/x-protobuf"));
        export.respond_with(ResponseTemplate::new(200)).mount(&server).await;
        Self(server)
    }

    /// What was received so far, as it came.
    pub(crate) async fn bodies(&self) -> Vec<Vec<u8>> {
        let requests = self.0.received_requests().await.unwrap();
        requests.into_iter().map(|request| request.body).collect()
    }

    /// The spans that were received so far.
    pub(crate) async fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for body in self.bodies().await {
            let request = ExportTraceServiceRequest::decode(&*body).unwrap();
            for of_resource in request.resource_spans {
                let resource = texts(of_resource.resource.unwrap().attributes);
                let version = &resource["service.version"];
                assert!(!version.is_empty() && !resource["service.instance.id"].is_empty());
                let all = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
                spans.extend(all.map(|span| read(&resource["service.name"], span)));
            }
        }
        spans
    }

    /// Waits until the trace has a span of each of these names, and returns it.
    pub(crate) async fn trace(&self, trace_id: &str, names: &[&str]) -> Vec<Span> {
        eventually(&format!("{names:?} in trace {trace_id}"), async || {
            let mut spans = self.spans().await;
            spans.retain(|span| span.trace_id == trace_id);
            let has = |name: &&str| spans.iter().any(|span| span.name == **name);
            names.iter().all(has).then_some(spans)
        })
        .await
    }
}

fn read(service: &str, span: opentelemetry_proto::tonic::trace::v1::Span) -> Span {
    let status = span.status.clone().unwrap_or_default();
    assert_eq!(status.message, "", "a text may come from outside");
    Span {
        service: service.to_owned(),
        kind: span.kind(),
        trace_id: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        has_failed: status.code() == StatusCode::Error,
        links: span.links.iter().map(|link| hex(&link.trace_id)).collect(),
        nanoseconds: span.end_time_unix_nano - span.start_time_unix_nano,
        name: span.name,
        attributes: texts(span.attributes),
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |attribute: KeyValue| {
        let value = match attribute.value.and_then(|value| value.value) {
            Some(Value::StringValue(text)) => text,
            Some(Value::IntValue(number)) => number.to_string(),
            other => panic!("{}: {other:?}", attribute.key),
        };
        (attribute.key, value)
    };
    attributes.into_iter().map(text).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
