//! What the worker counts. No label ever holds an address, an identifier or a code.

use domain::EventId;
use domain::ports::IdSource;
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

const SENT: &str = "mails_sent_total";
const DROPPED: &str = "mails_dropped_total";
const FAILED: &str = "mail_failures_total";
const LATENCY: &str = "mail_delivery_seconds";

/// Tells the installed recorder what each metric means and in which unit it is.
pub fn describe_metrics() {
    describe_counter!(SENT, "Mails that the mail server has accepted, by kind.");
    describe_counter!(DROPPED, "Events that needed no mail any more, by reason.");
    describe_counter!(FAILED, "Events that could not be handled, by whether they are delivered again.");
    describe_histogram!(LATENCY, Unit::Seconds, "From the request to the acceptance of its mail.");
}

/// Why an event is not followed by a mail.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DropReason {
    /// The registration is gone: the address was claimed again or the registration purged.
    UserGone,
    /// The account is active already.
    UserActive,
    /// A later code was asked for.
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

/// Counts a mail of a kind, and how long its recipient waited for it.
pub(crate) fn count_sent(kind: &'static str, cause: EventId, ids: &dyn IdSource) {
    counter!(SENT, "kind" => kind).increment(1);
    let now = EventId::from_uuid(ids.next_id());
    if let (Some(from), Some(to)) = (unix_seconds(cause), unix_seconds(now)) {
        // Clocks of two machines may differ; a negative wait is none.
        histogram!(LATENCY, "kind" => kind).record((to - from).max(0.0));
    }
}

/// Counts an event that needs no mail any more.
pub(crate) fn count_dropped(reason: DropReason) {
    counter!(DROPPED, "reason" => reason.as_str()).increment(1);
}

/// Counts an event that could not be handled.
pub(crate) fn count_failed(outcome: &'static str) {
    counter!(FAILED, "outcome" => outcome).increment(1);
}

/// The time in a `UUIDv7` (RFC 9562 section 5.7).
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 stay below 2^53 for 285 million years")]
fn unix_seconds(id: EventId) -> Option<f64> {
    let (seconds, nanoseconds) = id.as_uuid().get_timestamp()?.to_unix();
    Some(seconds as f64 + f64::from(nanoseconds) / 1e9)
}
