//! One request to the collector, and its answer.

use std::time::Duration;

use domain::ports::IdSource;
use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::SpanData;
use prost::Message;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};

use super::options::{OtlpOptions, OtlpOptionsError};
use crate::system_ids::SystemIds;

/// How long the collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The collector, and who sends to it.
pub(super) struct Collector {
    client: Client,
    url: Url,
    resource: ResourceAttributesWithSchema,
}

/// Why the collector has not taken the spans.
#[derive(Debug, thiserror::Error)]
pub(super) enum CollectorError {
    #[error("the collector cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the collector did not answer in time")]
    TimedOut,
    #[error("the collector answered {0}")]
    Status(u16),
}

impl Collector {
    /// Checks the options; does not connect yet.
    pub(super) fn new(options: &OtlpOptions) -> Result<Self, OtlpOptionsError> {
        let url = traces_url(&options.endpoint)?;
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .no_proxy()
            .default_headers(headers(&options.headers)?)
            .user_agent(concat!("registration/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, url, resource: (&resource(options)).into() })
    }

    /// Sends spans. Returns how many of them were refused.
    pub(super) async fn send(&self, spans: Vec<SpanData>) -> Result<u64, CollectorError> {
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let request = self.client.post(self.url.clone()).body(body);
        let request = request.header(CONTENT_TYPE, "application/x-protobuf");
        let answer = request.send().await.map_err(failure)?;
        if !answer.status().is_success() {
            return Err(CollectorError::Status(answer.status().as_u16()));
        }
        let answer = answer.bytes().await.map_err(failure)?;
        // One that cannot be read says nothing of a refusal.
        let answer = ExportTraceServiceResponse::decode(answer).unwrap_or_default();
        let refused = answer.partial_success.map_or(0, |partial| partial.rejected_spans);
        Ok(u64::try_from(refused).unwrap_or(0))
    }
}

fn failure(error: reqwest::Error) -> CollectorError {
    if error.is_timeout() {
        CollectorError::TimedOut
    } else {
        CollectorError::Unreachable(error.without_url())
    }
}

/// Where the collector takes traces (OTLP specification, section "OTLP/HTTP Request").
fn traces_url(endpoint: &str) -> Result<Url, OtlpOptionsError> {
    let mut url = Url::parse(endpoint).map_err(|_| OtlpOptionsError::Url)?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(OtlpOptionsError::Url);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(OtlpOptionsError::Credentials);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(OtlpOptionsError::Query);
    }
    url.path_segments_mut()
        .map_err(|()| OtlpOptionsError::Url)?
        .pop_if_empty()
        .extend(["v1", "traces"]);
    Ok(url)
}

fn headers(written: &[SecretString]) -> Result<HeaderMap, OtlpOptionsError> {
    let mut headers = HeaderMap::new();
    for (number, header) in (1..).zip(written) {
        let parse = || {
            let (name, value) = header.expose_secret().split_once('=')?;
            let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
            let mut value = HeaderValue::from_str(value.trim()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        };
        let (name, value) = parse().ok_or(OtlpOptionsError::Header(number))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Who sends the spans. The settings say it, and no variable of the SDK's.
fn resource(options: &OtlpOptions) -> Resource {
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes([
            KeyValue::new("service.namespace", "registration"),
            KeyValue::new("service.name", options.service),
            KeyValue::new("service.version", options.version),
            KeyValue::new("service.instance.id", SystemIds.next_id().to_string()),
        ])
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_traces_is_appended() {
        for (endpoint, expected) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("http://[::1]:4318/", "http://[::1]:4318/v1/traces"),
            ("https://example.com/otlp", "https://example.com/otlp/v1/traces"),
            ("https://example.com/otlp/", "https://example.com/otlp/v1/traces"),
        ] {
            assert_eq!(traces_url(endpoint).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn an_endpoint_that_cannot_be_one_is_refused() {
        for (endpoint, part) in [
            ("", "not a URL"),
            ("collector:4318", "not a URL"),
            ("grpc://collector:4317", "not a URL"),
            ("http://me:hush@collector:4318", "otlp_headers"),
            ("http://collector:4318/?token=hush", "query"),
        ] {
            let error = traces_url(endpoint).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("hush"), "{endpoint}: {error}");
        }
    }

    #[test]
    fn asvs_13_3_1_a_header_is_not_repeated() {
        let secret = |text: &str| SecretString::from(text.to_owned());
        let known = headers(&[secret("authorization = Bearer a=b"), secret("x-team=one")]).unwrap();
        assert_eq!(known["authorization"], "Bearer a=b");
        assert!(!format!("{known:?}").contains("Bearer"));
        for wrong in ["hush", "hush hush=1", "x=hush\u{7f}"] {
            let error = headers(&[secret("a=b"), secret(wrong)]).unwrap_err().to_string();
            assert!(error.contains("header 2") && !error.contains("hush"), "{error}");
        }
    }
}
