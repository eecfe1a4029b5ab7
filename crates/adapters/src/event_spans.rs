//! The spans of an event, of the log and of the trace, on whichever bus.

use std::fmt::Display;

use domain::Event;
use spans::{Kind, Span};

/// The span of sending an event to where events are called `destination`. Like that of its
/// processing it belongs to what the event was recorded for, whatever has happened since.
pub(crate) fn publish_span(event: &Event, system: &'static str, destination: &dyn Display) -> Span {
    let span = Span::continue_trace(event.trace, "publish", Kind::Producer)
        .with("messaging.operation.name", "publish")
        .with("messaging.operation.type", "send");
    span.rename(&format_args!("publish {destination}"));
    describe(span, event, system, destination)
}

/// The span of the handling of an event that comes from `destination`.
pub(crate) fn process_span(event: &Event, system: &'static str, destination: &dyn Display) -> Span {
    let span = Span::continue_trace(event.trace, "process", Kind::Consumer)
        .with("messaging.operation.name", "process")
        .with("messaging.operation.type", "process");
    span.rename(&format_args!("process {destination}"));
    describe(span, event, system, destination)
}

fn describe(span: Span, event: &Event, system: &'static str, destination: &dyn Display) -> Span {
    span.with("messaging.system", system)
        .with_text("messaging.destination.name", destination)
        .with_text("messaging.message.id", event.id.as_uuid())
        .with("registration.event.type", event.kind.type_name())
}

/// What each line of the log names that is written while an event is handled. Of the level of
/// errors, so that no filter takes it from a line that it lets through.
pub(crate) fn log_span(event: &Event, failures: u32) -> tracing::Span {
    let trace_id = event.trace.trace_id();
    tracing::error_span!(
        "event",
        event.id = %event.id.as_uuid(),
        event.type = event.kind.type_name(),
        request_id = trace_id,
        trace_id,
        failures,
    )
}
