//! Sends spans to a collector: OTLP over HTTP, as Protocol Buffers.
//!
//! The SDK makes the spans; its batch processor and exporter are not used, because they count no
//! losses and bring a second HTTP client or a thread of their own. What a collector does not take,
//! or not in time, is lost and counted: traces never delay the work, nor fill the memory.

mod collector;
mod diagnosis;
mod export;
mod options;
mod queue;
mod traces;

pub use diagnosis::diagnose;
pub use options::{OtlpOptions, OtlpOptionsError};
pub use traces::Traces;
