//! What the API and the relay count. No label ever holds an address, an identifier or a code.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(crate) const REGISTRATIONS: &str = "registrations_total";
pub(crate) const CODES_REQUESTED: &str = "codes_requested_total";
pub(crate) const ACTIVATIONS: &str = "activations_total";
pub(crate) const WRONG_GUESSES: &str = "wrong_guesses_total";
pub(crate) const REGISTRATIONS_PURGED: &str = "registrations_purged_total";
pub(crate) const REGISTRATIONS_PURGED_UNMAILED: &str = "registrations_purged_unmailed_total";
pub(crate) const BREACH_CHECKS: &str = "breach_checks_total";
pub(crate) const PASSWORD_HASHING_OVERLOADS: &str = "password_hashing_overloads_total";
pub(crate) const RATE_LIMIT_REFUSALS: &str = "rate_limit_refusals_total";
pub(crate) const RATE_LIMITER_FAILURES: &str = "rate_limiter_failures_total";
pub(crate) const OUTBOX_PUBLISHED: &str = "outbox_published_total";
pub(crate) const OUTBOX_DEFERRED: &str = "outbox_deferred_total";
pub(crate) const OUTBOX_BURIED: &str = "outbox_buried_total";
pub(crate) const OUTBOX_UNKNOWN: &str = "outbox_unknown_events";
pub(crate) const HTTP_REQUESTS: &str = "http_requests_total";
pub(crate) const HTTP_REQUESTS_ABANDONED: &str = "http_requests_abandoned_total";
pub(crate) const HTTP_CONNECTIONS_CUT: &str = "http_connections_cut_total";
pub(crate) const HTTP_REQUEST_DURATION: &str = "http_request_duration_seconds";

/// Tells the installed recorder what each metric means and in which unit it is.
pub fn describe_metrics() {
    describe_counter!(REGISTRATIONS, "Addresses that were claimed.");
    describe_counter!(CODES_REQUESTED, "Further codes that were requested.");
    describe_counter!(ACTIVATIONS, "Attempts to activate an account, by outcome.");
    describe_counter!(
        WRONG_GUESSES,
        "Codes that were compared and wrong, of all clients and addresses."
    );
    describe_counter!(REGISTRATIONS_PURGED, "Unverified registrations that were deleted.");
    describe_counter!(
        REGISTRATIONS_PURGED_UNMAILED,
        "Unverified registrations that were deleted though their mail had never been sent."
    );
    describe_counter!(BREACH_CHECKS, "Passwords looked up in known breaches, by outcome.");
    describe_counter!(
        PASSWORD_HASHING_OVERLOADS,
        "Requests refused because too many hashes were waiting."
    );
    describe_counter!(RATE_LIMIT_REFUSALS, "Requests that exceeded a limit, by limit.");
    describe_counter!(
        RATE_LIMITER_FAILURES,
        "Checks that the rate limiter did not answer; the fallback counted instead."
    );
    describe_counter!(OUTBOX_PUBLISHED, "Events that were delivered.");
    describe_counter!(OUTBOX_DEFERRED, "Deliveries that failed and will be retried.");
    describe_counter!(OUTBOX_BURIED, "Events that can never be delivered.");
    describe_gauge!(
        OUTBOX_UNKNOWN,
        "Events that wait for a newer version, which knows their types."
    );
    describe_counter!(HTTP_REQUESTS, "Requests answered, by method, route and status.");
    describe_counter!(HTTP_REQUESTS_ABANDONED, "Requests whose client disconnected.");
    describe_counter!(
        HTTP_CONNECTIONS_CUT,
        "Connections that were closed because a request took too long to arrive, or too much memory, by reason."
    );
    describe_histogram!(
        HTTP_REQUEST_DURATION,
        Unit::Seconds,
        "Time from the head of a request to its answer."
    );
}
