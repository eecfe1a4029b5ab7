//! Events as bytes: what others read and write, and how `docs/asyncapi.yaml` describes it.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod description;
mod envelope;

use adapters::cloud_events::EventNaming;

/// What events are called by default.
fn naming() -> EventNaming {
    EventNaming { source: "/registration".into(), type_prefix: String::new() }
}

/// What they are called in a deployment that has chosen names of its own.
fn own_naming() -> EventNaming {
    EventNaming { source: "https://example.com/signup".into(), type_prefix: "com.example".into() }
}
