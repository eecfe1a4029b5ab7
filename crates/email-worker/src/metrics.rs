//! What the worker counts. No label may hold an address, an identifier or a code.

use domain::EventId;
use domain::ports::IdSource;
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

const SENT: &str = "mails_sent_total";
const DROPPED: &str = "mails_dropped_total";
const FAILED: &str = "mail_failures_total";
const LATENCY: &str = "mail_delivery_seconds";

/// Gives the installed recorder the description and unit of each metric.
pub fn describe_metrics() {
    describe_counter!(SENT, "Mails accepted by the mail server, by kind.");
    describe_counter!(DROPPED, "Events that no longer needed a mail, by reason.");
    describe_counter!(FAILED, "Events that could not be handled, by whether they are retried.");
    describe_histogram!(
        LATENCY,
        Unit::Seconds,
        "Time from a request until the mail server accepts its mail."
    );
}

/// Why an event needs no mail.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DropReason {
    /// The registration is gone: the address was claimed again, or the registration was purged.
    UserGone,
    /// The account is already active.
    UserActive,
    /// A newer code was requested.
    Superseded,
    /// The code has been used.
    Consumed,
    /// The mail was accepted at an earlier delivery of the event.
    AlreadyMailed,
}

impl DropReason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::UserGone => "user_gone",
            Self::UserActive => "user_active",
            Self::Superseded => "superseded",
            Self::Consumed => "consumed",
            Self::AlreadyMailed => "already_mailed",
        }
    }
}

/// Counts a mail, and records how long its recipient waited for it.
pub(crate) fn count_sent(kind: &'static str, cause: EventId, ids: &dyn IdSource) {
    counter!(SENT, "kind" => kind).increment(1);
    let now = EventId::from_uuid(ids.next_id());
    if let (Some(from), Some(to)) = (unix_seconds(cause), unix_seconds(now)) {
        // The clocks of two machines may differ: a negative wait counts as none.
        histogram!(LATENCY, "kind" => kind).record((to - from).max(0.0));
    }
}

/// Counts an event that no longer needs a mail.
pub(crate) fn count_dropped(reason: DropReason) {
    counter!(DROPPED, "reason" => reason.as_str()).increment(1);
}

/// Counts an event that could not be handled.
pub(crate) fn count_failed(outcome: &'static str) {
    counter!(FAILED, "outcome" => outcome).increment(1);
}

/// The timestamp of a `UUIDv7` (RFC 9562 section 5.7).
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 stay below 2^53 for 285 million years")]
fn unix_seconds(id: EventId) -> Option<f64> {
    let (seconds, nanoseconds) = id.as_uuid().get_timestamp()?.to_unix();
    Some(seconds as f64 + f64::from(nanoseconds) / 1e9)
}
