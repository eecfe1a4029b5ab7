//! One span.

use std::any::type_name;
use std::fmt::Display;
use std::pin::{Pin, pin};
use std::sync::OnceLock;

use domain::TraceParent;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, Value};

use crate::context::{remote, span_context, trace_parent};

static TRACER: OnceLock<BoxedTracer> = OnceLock::new();

/// Has spans recorded from now on. The first call counts.
pub fn record_with(tracer: BoxedTracer) {
    // Fails only where spans are recorded already.
    let _ = TRACER.set(tracer);
}

/// A span, which ends when it is dropped. It is nothing while none are recorded.
#[must_use]
#[derive(Default)]
pub struct Span(Option<Open>);

struct Open {
    tracer: &'static BoxedTracer,
    parent: Context,
    own: Context,
}

impl Span {
    /// Begins a trace.
    pub fn begin_trace(name: &'static str, kind: SpanKind) -> Self {
        Self::start(name, kind, Context::new)
    }

    /// Continues a trace: where the request comes from, or what caused an event.
    pub fn continue_trace(trace: TraceParent, name: &'static str, kind: SpanKind) -> Self {
        Self::start(name, kind, || remote(trace))
    }

    /// A part of the current span. There is none of what is not part of a recorded trace: a probe,
    /// for example.
    pub fn part(name: &'static str, kind: SpanKind) -> Self {
        if TRACER.get().is_none() {
            return Self(None);
        }
        let parent = Context::current();
        if !parent.span().span_context().is_sampled() {
            return Self(None);
        }
        Self::start(name, kind, || parent)
    }

    fn start(name: &'static str, kind: SpanKind, parent: impl FnOnce() -> Context) -> Self {
        let open = |tracer: &'static BoxedTracer| {
            let parent = parent();
            let builder = tracer.span_builder(name).with_kind(kind);
            let own = parent.with_span(tracer.build_with_context(builder, &parent));
            Open { tracer, parent, own }
        };
        Self(TRACER.get().map(open))
    }

    /// Ends this and begins what follows it, as a part of the same span.
    pub fn then(self, name: &'static str) -> Self {
        let next = self.0.as_ref().map(|open| {
            let builder = open.tracer.span_builder(name);
            let own = open.tracer.build_with_context(builder, &open.parent);
            let (tracer, parent) = (open.tracer, open.parent.clone());
            Open { tracer, own: parent.with_span(own), parent }
        });
        Self(next)
    }

    /// Says what another trace has to do with it.
    pub fn linked_to(self, trace: Option<TraceParent>) -> Self {
        if let (Some(open), Some(trace)) = (&self.0, trace) {
            open.own.span().add_link(span_context(trace), Vec::new());
        }
        self
    }

    /// The same with an attribute.
    pub fn with(self, key: &'static str, value: impl Into<Value>) -> Self {
        self.set(key, value);
        self
    }

    /// The same with an attribute that has yet to be written as a text.
    pub fn with_text(self, key: &'static str, value: &dyn Display) -> Self {
        self.set_text(key, value);
        self
    }

    /// Sets an attribute.
    pub fn set(&self, key: &'static str, value: impl Into<Value>) {
        if let Some(open) = &self.0 {
            open.own.span().set_attribute(KeyValue::new(key, value));
        }
    }

    /// Sets an attribute that has yet to be written as a text.
    pub fn set_text(&self, key: &'static str, value: &dyn Display) {
        if self.0.is_some() {
            self.set(key, value.to_string());
        }
    }

    /// Gives it a name that was not known when it began.
    pub fn rename(&self, name: &dyn Display) {
        if let Some(open) = &self.0 {
            open.own.span().update_name(name.to_string());
        }
    }

    /// Says that it has failed, and by what kind of error. The text of the error is left out: it
    /// may come from outside.
    pub fn fail(&self, kind: impl Into<Value>) {
        if let Some(open) = &self.0 {
            open.own.span().set_status(Status::error(""));
            self.set("error.type", kind);
        }
    }

    /// What an event that it causes carries. `None` while no spans are recorded.
    pub fn trace(&self) -> Option<TraceParent> {
        self.0.as_ref().and_then(|open| trace_parent(open.own.span().span_context()))
    }

    /// Does the work with this as the current span.
    pub async fn around<F: Future>(&self, work: F) -> F::Output {
        self.enter(pin!(work)).await
    }

    /// Does the work with this as the current span, then ends it with the result.
    pub async fn run<T, E>(self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let result = self.enter(pin!(work)).await;
        self.end_with(&result);
        result
    }

    /// Takes the work by its place: as a value it would be there several times over.
    async fn enter<F: Future>(&self, work: Pin<&mut F>) -> F::Output {
        match &self.0 {
            Some(open) => work.with_context(open.own.clone()).await,
            None => work.await,
        }
    }

    /// Ends it with the result of its work. An error makes it a failed one.
    pub fn end_with<T, E>(self, result: &Result<T, E>) {
        if result.is_err() {
            self.fail(type_name::<E>());
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(open) = &self.0 {
            // Tasks that it has spawned keep its context, and may outlive it.
            open.own.span().end();
        }
    }
}

/// Sets an attribute of the current span.
pub fn annotate(key: &'static str, value: impl Into<Value>) {
    if TRACER.get().is_some() {
        Context::current().span().set_attribute(KeyValue::new(key, value));
    }
}
