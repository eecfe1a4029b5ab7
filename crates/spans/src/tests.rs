use domain::TraceParent;
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;

use super::{Kind, Span, annotate, spawn};

/// Of a trace that is recorded elsewhere.
fn recorded() -> TraceParent {
    TraceParent::of_span(1, 2, true).unwrap()
}

#[tokio::test]
async fn nothing_is_recorded_until_somebody_wants_it() {
    let spans = [
        Span::begin_trace("request", Kind::Server),
        Span::continue_trace(recorded(), "process", Kind::Consumer),
        Span::part("hash", Kind::Internal).with("key", 1).then("next").linked_to(Some(recorded())),
    ];
    for span in spans {
        assert_eq!(span.trace(), None);
        span.fail("kind");
        let is_traced = span.around(async {
            annotate("key", "value");
            spawn(async { Context::current().has_active_span() }).await.unwrap()
        });
        assert!(!is_traced.await);
        assert_eq!(span.run(async { Err::<(), _>("error") }).await, Err("error"));
    }
}
