//! What the worker counts. No label may hold an address, an identifier or a code.

use domain::EventId;
use domain::ports::IdSource;
use metrics::{Counter, counter, gauge, histogram};
use process::metrics::Metric;

const SENT: &str = "registration_mails_sent_total";
const DROPPED: &str = "registration_mails_dropped_total";
const FAILED: &str = "registration_mail_failures_total";
const ALL_REFUSED: &str = "registration_mails_all_refused";
const DELIVERY_DURATION: &str = "registration_mail_delivery_duration_seconds";
const HANDED_BACK: &str = "registration_events_handed_back_total";

/// Upper bounds in seconds: from a mail that is waited for to one that an outage has kept.
const DELIVERY_BUCKETS: &[f64] = &[
    0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0,
    86400.0,
];

const KINDS: &[&str] = &["code", "registration_repeated"];

/// Every metric of the mails, in the order of an event's path.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        DROPPED,
        "Events that no mail followed: it was not needed any more, or its address is suppressed.",
    )
    .by(&[("reason", DropReason::NAMES)]),
    Metric::counter(SENT, "Mails that the mail server accepted.").by(&[("kind", KINDS)]),
    Metric::histogram(
        DELIVERY_DURATION,
        "Time from a request until the mail server accepts its mail.",
        DELIVERY_BUCKETS,
    )
    .by(&[("kind", KINDS)]),
    Metric::counter(
        FAILED,
        "Events that could not be handled: tried again if transient, set aside if permanent.",
    )
    .by(&[("outcome", &["transient", "permanent"])]),
    Metric::flag(ALL_REFUSED, "1 while the mail server refuses mails to everybody, else 0."),
];

/// What a worker counts beside, on a broker that other versions use too.
pub const BROKER_METRICS: &[Metric] = &[Metric::counter(
    HANDED_BACK,
    "Events of types that wait for a newer version, each time one was handed back.",
)];

/// The counter of events that were handed back.
pub fn handed_back() -> Counter {
    counter!(HANDED_BACK)
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
    /// The operator keeps mails from the address.
    Suppressed,
}

impl DropReason {
    const NAMES: &[&str] =
        &["user_gone", "user_active", "superseded", "consumed", "already_mailed", "suppressed"];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::UserGone => "user_gone",
            Self::UserActive => "user_active",
            Self::Superseded => "superseded",
            Self::Consumed => "consumed",
            Self::AlreadyMailed => "already_mailed",
            Self::Suppressed => "suppressed",
        }
    }
}

/// Counts a mail, and records how long its recipient waited for it.
pub(crate) fn count_sent(kind: &'static str, cause: EventId, ids: &dyn IdSource) {
    counter!(SENT, "kind" => kind).increment(1);
    let now = EventId::from_uuid(ids.next_id());
    if let (Some(from), Some(to)) = (cause.happened_at(), now.happened_at()) {
        // The clocks of two machines may differ: a negative wait counts as none.
        histogram!(DELIVERY_DURATION, "kind" => kind).record(to.saturating_sub(from));
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
