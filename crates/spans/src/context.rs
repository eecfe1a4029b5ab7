//! How the current span gets to another task, to an event and back.

use domain::TraceParent;
use opentelemetry::Context;
use opentelemetry::trace::{
    FutureExt, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
};
use tokio::task::JoinHandle;
use tracing::Instrument;

/// Spawns a task that belongs to the current span, that of the log and that of the trace.
pub fn spawn<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    tokio::spawn(work.in_current_span().with_current_context())
}

/// The context of a span of another process, or of an event that was recorded in this one.
pub(crate) fn remote(trace: TraceParent) -> Context {
    Context::new().with_remote_span_context(span_context(trace))
}

pub(crate) fn span_context(trace: TraceParent) -> SpanContext {
    let (trace_id, span_id) = trace.ids();
    let flags = TraceFlags::default().with_sampled(trace.is_sampled());
    let (trace_id, span_id) = (TraceId::from(trace_id), SpanId::from(span_id));
    SpanContext::new(trace_id, span_id, flags, true, TraceState::default())
}

/// What an event carries of a span.
pub(crate) fn trace_parent(context: &SpanContext) -> Option<TraceParent> {
    let trace_id = u128::from_be_bytes(context.trace_id().to_bytes());
    let span_id = u64::from_be_bytes(context.span_id().to_bytes());
    TraceParent::of_span(trace_id, span_id, context.is_sampled())
}
