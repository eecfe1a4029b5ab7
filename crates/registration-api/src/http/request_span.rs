//! The span of a request in its trace. Route and status are in it, but not the path, the query or the
//! client: a client could have put a secret there, and addresses are nobody's business.

use domain::TraceParent;
use spans::{Kind, Span};

/// What asks for these only wants to know that somebody answers, every few seconds.
const PROBES: &str = "/health/";

/// Begins the span: in the trace of the proxy that the request comes from, or in a new one, which
/// names the trace of a stranger that it is linked to.
pub(super) fn begin_span(
    path: &str,
    method: &'static str,
    parent: Option<TraceParent>,
    link: Option<TraceParent>,
) -> Span {
    if path.starts_with(PROBES) {
        return Span::default();
    }
    let span = match parent {
        Some(trace) => Span::continue_trace(trace, name(method), Kind::Server),
        None => Span::begin_trace(name(method), Kind::Server),
    };
    span.linked_to(link).with("http.request.method", method).with("url.scheme", "http")
}

/// Ends it with the answer.
pub(super) fn finish_span(span: &Span, method: &'static str, route: Option<&str>, status: u16) {
    if let Some(route) = route {
        span.rename(&format_args!("{} {route}", name(method)));
        span.set_text("http.route", &route);
    }
    span.set("http.response.status_code", i64::from(status));
    // What a client has done wrong is no error of ours.
    if status >= 500 {
        span.fail(i64::from(status));
    }
}

/// As the conventions name a method that is not one of theirs.
fn name(method: &'static str) -> &'static str {
    if method == "_OTHER" { "HTTP" } else { method }
}
