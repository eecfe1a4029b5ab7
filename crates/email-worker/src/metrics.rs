//! What the worker counts. No label may hold an address, an identifier or a code.

use domain::EventId;
use domain::ports::IdSource;
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

const SENT: &str = "mails_sent_total";
const DROPPED: &str = "mails_dropped_total";
const FAILED: &str = "mail_failures_total";
const ALL_REFUSED: &str = "mails_all_refused";
const LATENCY: &str = "mail_delivery_seconds";

/// Gives the installed recorder the description and unit of each metric.
pub fn describe_metrics() {
    describe_counter!(SENT, "Mails accepted by the mail server, by kind.");
    describe_counter!(DROPPED, "Events that no longer needed a mail, by reason.");
    describe_counter!(FAILED, "Events that could not be handled, by whether they are retried.");
    describe_gauge!(ALL_REFUSED, "1 while the mail server refuses mails to everybody, else 0.");
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
    if let (Some(from), Some(to)) = (cause.happened_at(), now.happened_at()) {
        // The clocks of two machines may differ: a negative wait counts as none.
        histogram!(LATENCY, "kind" => kind).record(to.saturating_sub(from));
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

/// Whether the mail server refuses mails to everybody.
pub(crate) fn set_all_refused(are_all_refused: bool) {
    gauge!(ALL_REFUSED).set(f64::from(u8::from(are_all_refused)));
}
