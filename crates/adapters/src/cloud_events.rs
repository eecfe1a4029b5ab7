//! Events as they travel: CloudEvents 1.0 in the JSON format's structured mode, identifiers only.
//!
//! `id`, `type`, `subject` and `time` all follow from the event, so that every delivery of it has
//! the same bytes. Reading is lenient: unknown fields are ignored (CloudEvents 1.0 section 3.2),
//! a type may have any prefix, and a missing or invalid trace starts a new one (W3C Trace Context
//! section 4.3).

use std::time::{Duration, UNIX_EPOCH};

use domain::{Event, EventId, TraceParent, UserEvent, UserEventError, UserId};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// The content type of an encoded event.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";

/// What the events of a deployment are called, so that others can tell them from those of another.
#[derive(Debug, Clone)]
pub struct EventNaming {
    /// The `source` attribute, a URI reference.
    pub source: String,
    /// Reverse DNS, such as `com.example`, in front of each type. Empty: the type is as it is.
    pub type_prefix: String,
}

impl EventNaming {
    fn type_of(&self, event: &UserEvent) -> String {
        match self.type_prefix.as_str() {
            "" => event.type_name().to_owned(),
            prefix => format!("{prefix}.{}", event.type_name()),
        }
    }
}

/// Why a message is not an event of this service.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// Not JSON, or a field is missing or of the wrong type.
    #[error("not a CloudEvent in JSON: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A version of CloudEvents other than 1.0.
    #[error("CloudEvents version {0:?} is not supported")]
    Version(String),
    /// An unknown type, or the number of the code is missing.
    #[error(transparent)]
    Event(#[from] UserEventError),
}

/// What a reader needs; the other attributes follow from these.
#[derive(Deserialize)]
struct Envelope {
    specversion: String,
    id: Uuid,
    #[serde(rename = "type")]
    kind: String,
    traceparent: Option<String>,
    /// Read last: that of an unknown type may have any form.
    #[serde(default)]
    data: Value,
}

#[derive(Deserialize)]
struct Data {
    user_id: Uuid,
    issue_number: Option<u32>,
}

/// Writes an event as a message body.
pub fn encode(event: &Event, naming: &EventNaming) -> Vec<u8> {
    envelope(event, naming).to_string().into_bytes()
}

/// The event with its attributes.
pub(crate) fn envelope(event: &Event, naming: &EventNaming) -> Value {
    let user_id = event.kind.user_id().to_string();
    let mut envelope = json!({
        "specversion": "1.0",
        "id": event.id.as_uuid().to_string(),
        "source": naming.source,
        "type": naming.type_of(&event.kind),
        "subject": user_id,
        "datacontenttype": "application/json",
        "traceparent": event.trace.to_string(),
        "data": { "user_id": user_id },
    });
    if let Some(time) = time_of(event.id) {
        envelope["time"] = time.into();
    }
    if let Some(issue) = event.kind.issue() {
        envelope["data"]["issue_number"] = issue.number.into();
    }
    envelope
}

/// Reads a message body.
pub fn decode(body: &[u8]) -> Result<Event, EnvelopeError> {
    let envelope: Envelope = serde_json::from_slice(body)?;
    if envelope.specversion != "1.0" {
        return Err(EnvelopeError::Version(envelope.specversion));
    }
    let Some(kind) = without_prefix(&envelope.kind) else {
        return Err(UserEventError::UnknownType(envelope.kind).into());
    };
    let data: Data = serde_json::from_value(envelope.data)?;
    let user_id = UserId::from_uuid(data.user_id);
    let kind = UserEvent::from_parts(kind, user_id, data.issue_number)?;
    let trace = envelope.traceparent.and_then(|text| text.parse().ok());
    let trace = trace.unwrap_or_else(|| TraceParent::start(envelope.id));
    Ok(Event { id: EventId::from_uuid(envelope.id), trace, kind })
}

/// The type that is known, whatever prefix the writer was told to add: a reader need not be told.
fn without_prefix(kind: &str) -> Option<&'static str> {
    let is_prefix = |prefix: &str| prefix.is_empty() || prefix.ends_with('.');
    UserEvent::TYPES.into_iter().find(|known| kind.strip_suffix(known).is_some_and(is_prefix))
}

/// When the event happened: the first 48 bits of its identifier are Unix milliseconds (RFC 9562
/// section 5.7). `None` beyond the year 9999, which RFC 3339 cannot express.
fn time_of(id: EventId) -> Option<String> {
    const LAST_MILLISECOND_OF_9999: u64 = 253_402_300_799_999;
    let (high, _) = id.as_uuid().as_u64_pair();
    let milliseconds = high >> 16;
    if milliseconds > LAST_MILLISECOND_OF_9999 {
        return None;
    }
    let time = UNIX_EPOCH + Duration::from_millis(milliseconds);
    Some(humantime::format_rfc3339_millis(time).to_string())
}
