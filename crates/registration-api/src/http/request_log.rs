//! A log line and a metric per request: method, route, status, time, request id. Every line that is
//! logged while the request is served names its id and its client, so that an attack can be traced
//! to where it comes from. What goes well is logged by the event itself, `user.registered` for
//! example, and its request at the level of debugging: a second line would cost as much as the rest.
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
use spans::Span;
use tokio::time::Instant;
use tracing::Instrument;

use super::listener_context::ListenerContext;
use super::problem::Problem;
use super::request_span::{begin_span, finish_span};
use crate::metrics::{
    HTTP_METHOD, HTTP_REQUEST_DURATION, HTTP_REQUESTS_ABANDONED, HTTP_ROUTE, HTTP_STATUS,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Middleware: gives the request its trace, whose id is also the request id, and logs the outcome.
pub(crate) async fn log_request<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let Some(context) = request.app_data::<Data<ListenerContext>>().cloned() else {
        return next.call(request).await;
    };
    let proxies = &context.trusted_proxies;
    let client = proxies.find_client(request.request());
    let clients_trace = read_trace(request.headers());
    let (parent, link) = match clients_trace {
        Some(trace) if proxies.have_sent(request.request()) => (Some(trace), None),
        // A stranger must not choose what the log calls the request (W3C Trace Context, section 7).
        other => (None, other),
    };
    let method = label_method(request.method());
    let traced = begin_span(request.path(), method, parent, link);
    // One trace in the log, in the events and in what is exported.
    let trace = traced.trace().or(parent);
    let trace = trace.unwrap_or_else(|| TraceParent::start(context.ids.next_id()));
    request.extensions_mut().insert(trace);
    let request_id = trace.trace_id();
    // Of the level of errors, so that no filter takes the client from a line that it lets through.
    let (trace_id, client_trace_id) = (&request_id, link.map(|trace| trace.trace_id()));
    let span = tracing::error_span!("request", request_id, trace_id, %client, client_trace_id);
    let entry = LogEntry::begin(method, span.clone(), traced);
    let result = entry.traced.around(next.call(request).instrument(span)).await;
    let mut response = match result {
        Ok(response) => response,
        Err(error) => {
            entry.finish(None, error.as_response_error().status_code().as_u16(), None);
            return Err(error);
        }
    };
    let route = response.request().match_pattern();
    let problem = response.response().extensions().get::<Problem>().map(Problem::code);
    entry.finish(route.as_deref(), response.status().as_u16(), problem);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    Ok(response)
}

/// The trace that the request says it belongs to (W3C Trace Context), if it names exactly one.
fn read_trace(headers: &HeaderMap) -> Option<TraceParent> {
    let mut values = headers.get_all("traceparent");
    let only = values.next().filter(|_| values.next().is_none());
    only.and_then(|value| value.to_str().ok()?.parse().ok())
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
        // As OpenTelemetry's conventions name all others.
        _ => "_OTHER",
    }
}

/// A log line that is written when the request ends, even if the client disconnects first.
struct LogEntry {
    method: &'static str,
    started: Instant,
    span: tracing::Span,
    traced: Span,
    is_finished: bool,
}

impl LogEntry {
    fn begin(method: &'static str, span: tracing::Span, traced: Span) -> Self {
        Self { method, started: Instant::now(), span, traced, is_finished: false }
    }

    fn finish(mut self, route: Option<&str>, status: u16, problem: Option<&'static str>) {
        let method = self.method;
        finish_span(&self.traced, method, route, status);
        let route = route.unwrap_or("unmatched");
        let elapsed = self.started.elapsed();
        let duration_ms = elapsed.as_secs_f64() * 1000.0;
        self.span.in_scope(|| {
            if status < 400 {
                tracing::debug!(
                    event = "http.request",
                    method,
                    route,
                    status,
                    duration_ms,
                    "request"
                );
            } else {
                tracing::info!(
                    event = "http.request",
                    method,
                    route,
                    status,
                    duration_ms,
                    problem,
                    "request"
                );
            }
        });
        let route = route.to_owned();
        let labels = [
            (HTTP_METHOD, method.to_owned()),
            (HTTP_ROUTE, route),
            (HTTP_STATUS, status.to_string()),
        ];
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
            tracing::info!(
                event = "http.abandoned",
                method,
                duration_ms,
                "the client disconnected"
            );
        });
        metrics::counter!(HTTP_REQUESTS_ABANDONED).increment(1);
        self.traced.fail("abandoned");
    }
}
