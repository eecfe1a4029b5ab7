//! What the API and the relay count. No label ever holds an address, an identifier or a code.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::OutboxMonitor;
use metrics::{Gauge, counter, gauge, histogram};
use process::metrics::{Collector, LATENCY_BUCKETS, Metric, as_gauge};

pub(crate) const HTTP_REQUEST_DURATION: &str = "registration_http_server_request_duration_seconds";
pub(crate) const HTTP_REQUESTS_ABANDONED: &str =
    "registration_http_server_requests_abandoned_total";
pub(crate) const HTTP_CONNECTIONS_CUT: &str = "registration_http_server_connections_cut_total";
const RATE_LIMIT_REFUSALS: &str = "registration_rate_limit_refusals_total";
pub(crate) const RATE_LIMITER_FAILURES: &str = "registration_rate_limiter_failures_total";
pub(crate) const BREACH_CHECKS: &str = "registration_breach_checks_total";
pub(crate) const HOOK_CALLS: &str = "registration_hook_calls_total";
const NOT_ADMITTED: &str = "registration_not_admitted_total";
pub(crate) const PASSWORD_HASH_REFUSALS: &str = "registration_password_hash_refusals_total";
const PASSWORD_HASH_DURATION: &str = "registration_password_hash_duration_seconds";
const PASSWORD_HASH_QUEUE: &str = "registration_password_hash_queue_length";
pub(crate) const CLAIMS: &str = "registration_claims_total";
pub(crate) const CODES_REQUESTED: &str = "registration_codes_requested_total";
const ACTIVATIONS: &str = "registration_activations_total";
pub(crate) const WRONG_GUESSES: &str = "registration_wrong_guesses_total";
pub(crate) const CLAIMS_PURGED: &str = "registration_claims_purged_total";
pub(crate) const CLAIMS_PURGED_UNMAILED: &str = "registration_claims_purged_unmailed_total";
const PASSWORD_VERIFICATIONS: &str = "registration_password_verifications_total";
pub(crate) const USERS_DELETED: &str = "registration_users_deleted_total";
const OUTBOX_EVENTS: &str = "registration_outbox_events";
const OUTBOX_OLDEST_AGE: &str = "registration_outbox_oldest_event_age_seconds";
pub(crate) const OUTBOX_PUBLISHED: &str = "registration_outbox_published_total";
pub(crate) const OUTBOX_DEFERRED: &str = "registration_outbox_deferred_total";
pub(crate) const OUTBOX_BURIED: &str = "registration_outbox_buried_total";

pub(crate) const WEBHOOKS_DELIVERED: &str = "registration_webhooks_delivered_total";
pub(crate) const WEBHOOKS_DEFERRED: &str = "registration_webhooks_deferred_total";
pub(crate) const WEBHOOKS_BURIED: &str = "registration_webhooks_buried_total";
const WEBHOOK_EVENTS: &str = "registration_webhook_events";
const WEBHOOK_OLDEST_AGE: &str = "registration_webhook_oldest_event_age_seconds";

/// Labels of the histogram of requests, as OpenTelemetry's conventions have them.
pub(crate) const HTTP_METHOD: &str = "http_request_method";
pub(crate) const HTTP_ROUTE: &str = "http_route";
pub(crate) const HTTP_STATUS: &str = "http_response_status_code";

const LIMIT_POLICIES: &[&str] = &[
    "register-client",
    "register-address",
    "activate-client",
    "activate-address",
    "resend-code-client",
    "resend-code-address",
    "further-codes",
    "mails",
    "network-mails",
    "client-guesses",
    "client-passwords",
    "address-passwords",
    "solved-challenges",
];

const NOT_ADMITTED_REASONS: &[&str] = &["domain", "disposable", "hook"];

const OUTBOX_STATES: &[&str] = &["waiting", "unknown", "buried"];

const ACTIVATION_OUTCOMES: &[&str] = &[
    "activated",
    "limited",
    "invalid-credentials",
    "already-active",
    "code-invalid",
    "code-expired",
    "too-many-attempts",
    "unavailable",
    "internal-error",
];

const VERIFICATION_OUTCOMES: &[&str] =
    &["verified", "not-active", "wrong-credentials", "limited", "unavailable"];

/// Every metric of the API and the relay, in the order of a request's path.
pub const METRICS: &[Metric] = &[
    Metric::histogram(
        HTTP_REQUEST_DURATION,
        "Time from the head of a request to its answer.",
        LATENCY_BUCKETS,
    )
    .by(&[
        (HTTP_METHOD, &["POST"]),
        (
            HTTP_ROUTE,
            &["/api/v1/users/register", "/api/v1/users/activate", "/api/v1/users/resend-code"],
        ),
        (HTTP_STATUS, &["500", "503"]),
    ]),
    Metric::counter(HTTP_REQUESTS_ABANDONED, "Requests whose client disconnected."),
    Metric::counter(
        HTTP_CONNECTIONS_CUT,
        "Connections that were closed because a request took too long to arrive, or too much \
         memory.",
    )
    .by(&[("reason", &["time", "memory"])]),
    Metric::counter(RATE_LIMIT_REFUSALS, "Requests that exceeded a limit.")
        .by(&[("policy", LIMIT_POLICIES)]),
    Metric::counter(
        RATE_LIMITER_FAILURES,
        "Checks that the rate limiter did not answer; the fallback counted instead.",
    ),
    Metric::counter(NOT_ADMITTED, "Registrations that the settings or the hook do not allow.")
        .by(&[("reason", NOT_ADMITTED_REASONS)]),
    Metric::counter(HOOK_CALLS, "Registrations that the hook was asked about.")
        .by(&[("outcome", &["allowed", "refused", "unavailable"])]),
    Metric::counter(BREACH_CHECKS, "Passwords looked up in known breaches.")
        .by(&[("outcome", &["breached", "unknown", "unavailable"])]),
    Metric::gauge(PASSWORD_HASH_QUEUE, "Passwords that wait for a thread to hash them."),
    Metric::histogram(
        PASSWORD_HASH_DURATION,
        "Time that a hash took, without the wait for a thread.",
        LATENCY_BUCKETS,
    ),
    Metric::counter(
        PASSWORD_HASH_REFUSALS,
        "Requests refused because too many passwords were waiting to be hashed.",
    ),
    Metric::counter(CLAIMS, "Addresses that were claimed."),
    Metric::counter(CODES_REQUESTED, "Further codes that were requested."),
    Metric::counter(ACTIVATIONS, "Attempts to activate an account.")
        .by(&[("outcome", ACTIVATION_OUTCOMES)]),
    Metric::counter(
        WRONG_GUESSES,
        "Codes that were compared and wrong, of all clients and addresses.",
    ),
    Metric::counter(CLAIMS_PURGED, "Unverified registrations that were deleted."),
    Metric::counter(
        CLAIMS_PURGED_UNMAILED,
        "Unverified registrations that were deleted though their mail had never been sent.",
    ),
    Metric::counter(PASSWORD_VERIFICATIONS, "Passwords that the product asked about.")
        .by(&[("outcome", VERIFICATION_OUTCOMES)]),
    Metric::counter(USERS_DELETED, "Accounts that the product deleted."),
    Metric::gauge(
        OUTBOX_EVENTS,
        "Events in the outbox, which all APIs share: not delivered yet, of types that wait for a \
         newer version, or set aside because they can never be delivered.",
    )
    .by(&[("state", OUTBOX_STATES)]),
    Metric::gauge(OUTBOX_OLDEST_AGE, "Age of the oldest event that waits in the outbox, or 0."),
    Metric::counter(OUTBOX_PUBLISHED, "Events that were delivered."),
    Metric::counter(OUTBOX_DEFERRED, "Deliveries that failed and will be retried."),
    Metric::counter(OUTBOX_BURIED, "Events that were set aside."),
    Metric::gauge(
        WEBHOOK_EVENTS,
        "Events for the webhook, in the states of `registration_outbox_events`.",
    )
    .by(&[("state", OUTBOX_STATES)]),
    Metric::gauge(WEBHOOK_OLDEST_AGE, "Age of the oldest event that waits for the webhook, or 0."),
    Metric::counter(WEBHOOKS_DELIVERED, "Events that the receiver of the webhook has taken."),
    Metric::counter(WEBHOOKS_DEFERRED, "Webhooks that failed and will be retried."),
    Metric::counter(WEBHOOKS_BURIED, "Webhooks that were set aside."),
];

/// Adds what is measured of the API at each scrape, whichever adapters it is wired to.
pub fn measure(
    collector: Collector,
    outbox: Arc<dyn OutboxMonitor>,
    waiting_hashes: impl Fn() -> usize + Send + Sync + 'static,
) -> Collector {
    let collector = collector.read([gauge!(PASSWORD_HASH_QUEUE)], move || [waiting_hashes()]);
    measure_outbox(collector, "outbox", [OUTBOX_EVENTS, OUTBOX_OLDEST_AGE], outbox)
}

/// Adds what is measured of the events for the webhook.
pub fn measure_webhook(collector: Collector, outbox: Arc<dyn OutboxMonitor>) -> Collector {
    measure_outbox(collector, "webhook", [WEBHOOK_EVENTS, WEBHOOK_OLDEST_AGE], outbox)
}

fn measure_outbox(
    collector: Collector,
    name: &'static str,
    [events, oldest_age]: [&'static str; 2],
    outbox: Arc<dyn OutboxMonitor>,
) -> Collector {
    let events = |state| gauge!(events, "state" => state);
    let gauges: [Gauge; 4] =
        [events("waiting"), events("unknown"), events("buried"), gauge!(oldest_age)];
    collector.measure(name, gauges, move || {
        let outbox = outbox.clone();
        async move {
            let status = outbox.status().await?;
            let unknown = status.unknown.values().sum();
            let [waiting, unknown, buried] = [status.depth, unknown, status.buried].map(as_gauge);
            Ok([waiting, unknown, buried, status.oldest_age.unwrap_or_default().as_secs_f64()])
        }
    })
}

/// Counts a request that exceeded a limit.
pub(crate) fn count_refusal(policy: &'static str) {
    debug_assert!(LIMIT_POLICIES.contains(&policy), "{policy} is missing in the table");
    counter!(RATE_LIMIT_REFUSALS, "policy" => policy).increment(1);
}

/// Counts a registration that is not allowed.
pub(crate) fn count_not_admitted(reason: &'static str) {
    debug_assert!(NOT_ADMITTED_REASONS.contains(&reason), "{reason} is missing in the table");
    counter!(NOT_ADMITTED, "reason" => reason).increment(1);
}

/// Counts an attempt to activate an account.
pub(crate) fn count_activation(outcome: &'static str) {
    debug_assert!(ACTIVATION_OUTCOMES.contains(&outcome), "{outcome} is missing in the table");
    counter!(ACTIVATIONS, "outcome" => outcome).increment(1);
}

/// Counts a password that the product asked about.
pub(crate) fn count_verification(outcome: &'static str) {
    debug_assert!(VERIFICATION_OUTCOMES.contains(&outcome), "{outcome} is missing in the table");
    counter!(PASSWORD_VERIFICATIONS, "outcome" => outcome).increment(1);
}

/// Records how long a hash took. For the pool that hashes.
pub fn observe_hash(took: Duration) {
    histogram!(PASSWORD_HASH_DURATION).record(took);
}
