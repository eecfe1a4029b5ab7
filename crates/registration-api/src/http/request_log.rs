//! One log line and two metrics per request: method, route, status, time, request id.
//!
//! The route is the pattern, never the path, and nothing from query, headers or bodies is logged: a
//! client could have put a secret there.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use domain::TraceParent;
use domain::ports::IdSource;
use tokio::time::Instant;
use tracing::Instrument;

use super::problem_kind::ProblemKind;
use super::state::AppState;
use crate::metrics::{HTTP_REQUEST_DURATION, HTTP_REQUESTS, HTTP_REQUESTS_ABANDONED};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Middleware: gives the request its trace, whose id is also the request id, and logs the outcome.
pub(crate) async fn log_request<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let ids = request.app_data::<Data<AppState>>().map(|state| state.ids.clone());
    let trace = ids.map(|ids| read_or_start_trace(request.headers(), &*ids));
    let request_id = trace.map(|trace| trace.trace_id()).unwrap_or_default();
    if let Some(trace) = trace {
        request.extensions_mut().insert(trace);
    }
    let span = tracing::info_span!("request", request_id);
    let entry = LogEntry::begin(request.method(), span.clone());
    let result = next.call(request).instrument(span).await;
    let mut response = match result {
        Ok(response) => response,
        Err(error) => {
            entry.finish("unmatched", error.as_response_error().status_code().as_u16(), None);
            return Err(error);
        }
    };
    let route = response.request().match_pattern();
    let problem = response.response().extensions().get::<ProblemKind>().map(|kind| kind.code());
    entry.finish(route.as_deref().unwrap_or("unmatched"), response.status().as_u16(), problem);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    Ok(response)
}

/// Continues the client's trace (W3C Trace Context), if it sent exactly one, or starts a new one.
fn read_or_start_trace(headers: &HeaderMap, ids: &dyn IdSource) -> TraceParent {
    let mut values = headers.get_all("traceparent");
    let only = values.next().filter(|_| values.next().is_none());
    only.and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or_else(|| TraceParent::start(ids.next_id()))
}

/// Clients can make up methods, and a metric must not get a series for each.
fn label_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// A log line that is written when the request ends, even if the client disconnects first.
struct LogEntry {
    method: &'static str,
    started: Instant,
    span: tracing::Span,
    is_finished: bool,
}

impl LogEntry {
    fn begin(method: &Method, span: tracing::Span) -> Self {
        Self { method: label_method(method), started: Instant::now(), span, is_finished: false }
    }

    fn finish(mut self, route: &str, status: u16, problem: Option<&'static str>) {
        let method = self.method;
        let elapsed = self.started.elapsed();
        let duration_ms = elapsed.as_secs_f64() * 1000.0;
        self.span.in_scope(|| {
            tracing::info!(event = "http.request", method, route, status, duration_ms, problem, "request");
        });
        let route = route.to_owned();
        let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
        metrics::counter!(HTTP_REQUESTS, &labels).increment(1);
        metrics::histogram!(HTTP_REQUEST_DURATION, &labels).record(elapsed.as_secs_f64());
        self.is_finished = true;
    }
}

impl Drop for LogEntry {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        let (method, elapsed) = (self.method, self.started.elapsed());
        let duration_ms = elapsed.as_secs_f64() * 1000.0;
        self.span.in_scope(|| {
            tracing::info!(event = "http.abandoned", method, duration_ms, "the client disconnected");
        });
        metrics::counter!(HTTP_REQUESTS_ABANDONED).increment(1);
    }
}
