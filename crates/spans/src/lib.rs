//! Spans of traces: what a request, and the mail that it causes, spend their time on (OpenTelemetry).
//!
//! They are not the spans of the log: a field of a log line, such as the client's address, must not
//! become an attribute, and the filter of the log must not decide what is traced. Names and
//! attributes follow OpenTelemetry's semantic conventions; none may hold an address, a secret or a
//! text from outside.
//!
//! Nothing is recorded, and next to nothing done, until [`record_with`] is called; who calls it
//! decides where the spans go.

mod context;
mod span;
#[cfg(test)]
mod tests;

/// The metric that counts spans a collector has taken.
pub const EXPORTED: &str = "registration_spans_exported_total";

/// The metric that counts spans that were recorded and lost.
pub const LOST: &str = "registration_spans_lost_total";

pub use context::spawn;
pub use opentelemetry::trace::SpanKind as Kind;
pub use span::{Span, annotate, record_with};
