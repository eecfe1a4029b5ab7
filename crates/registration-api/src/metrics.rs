//! What the API and the relay count. No label ever holds an address, an identifier or a code.

use metrics::{Unit, describe_counter, describe_histogram};

pub(crate) const REGISTRATIONS: &str = "registrations_total";
pub(crate) const CODES_REQUESTED: &str = "codes_requested_total";
pub(crate) const ACTIVATIONS: &str = "activations_total";
pub(crate) const REGISTRATIONS_PURGED: &str = "registrations_purged_total";
pub(crate) const BREACH_CHECKS: &str = "breach_checks_total";
pub(crate) const PASSWORD_HASHING_OVERLOADS: &str = "password_hashing_overloads_total";
pub(crate) const RATE_LIMIT_REFUSALS: &str = "rate_limit_refusals_total";
pub(crate) const RATE_LIMITER_FAILURES: &str = "rate_limiter_failures_total";
pub(crate) const OUTBOX_PUBLISHED: &str = "outbox_published_total";
pub(crate) const OUTBOX_DEFERRED: &str = "outbox_deferred_total";
pub(crate) const OUTBOX_BURIED: &str = "outbox_buried_total";
pub(crate) const HTTP_REQUESTS: &str = "http_requests_total";
pub(crate) const HTTP_REQUESTS_ABANDONED: &str = "http_requests_abandoned_total";
pub(crate) const HTTP_REQUEST_DURATION: &str = "http_request_duration_seconds";

/// Tells the installed recorder what each metric means and in which unit it is.
pub fn describe_metrics() {
    describe_counter!(REGISTRATIONS, "Addresses that were claimed.");
    describe_counter!(CODES_REQUESTED, "Further codes that were asked for.");
    describe_counter!(ACTIVATIONS, "Attempts at activating an account, by outcome.");
    describe_counter!(REGISTRATIONS_PURGED, "Registrations that were deleted unverified.");
    describe_counter!(BREACH_CHECKS, "Passwords looked up in breaches, by outcome.");
    describe_counter!(PASSWORD_HASHING_OVERLOADS, "Requests refused because too many hashes were waiting.");
    describe_counter!(RATE_LIMIT_REFUSALS, "Requests over a limit, by limit.");
    describe_counter!(
        RATE_LIMITER_FAILURES,
        "Requests counted by the fallback, because the limiter was away."
    );
    describe_counter!(OUTBOX_PUBLISHED, "Events that were delivered.");
    describe_counter!(OUTBOX_DEFERRED, "Deliveries that failed and are tried again.");
    describe_counter!(OUTBOX_BURIED, "Events that can never be delivered.");
    describe_counter!(HTTP_REQUESTS, "Requests answered, by method, route and status.");
    describe_counter!(HTTP_REQUESTS_ABANDONED, "Requests whose client went away.");
    describe_histogram!(HTTP_REQUEST_DURATION, Unit::Seconds, "From a request's head to its answer.");
}
