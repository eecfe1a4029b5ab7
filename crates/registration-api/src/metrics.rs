//! What the API and the relay count, where things happen. No label ever holds an address, an identifier or a code.

use metrics::{Unit, describe_counter, describe_histogram};

/// Tells the installed recorder what each metric means and in which unit it is.
pub fn describe_metrics() {
    describe_counter!("registrations_total", "Addresses that were claimed.");
    describe_counter!("codes_requested_total", "Further codes that were asked for.");
    describe_counter!("activations_total", "Attempts at activating an account, by outcome.");
    describe_counter!("registrations_purged_total", "Registrations that were deleted unverified.");
    describe_counter!("breach_checks_total", "Passwords looked up in breaches, by outcome.");
    describe_counter!(
        "password_hashing_overloads_total",
        "Requests refused because too many hashes were waiting."
    );
    describe_counter!("rate_limit_refusals_total", "Requests over a limit, by limit.");
    describe_counter!(
        "rate_limiter_failures_total",
        "Requests counted by the fallback, because the limiter was away."
    );
    describe_counter!("outbox_published_total", "Events that were delivered.");
    describe_counter!("outbox_deferred_total", "Deliveries that failed and are tried again.");
    describe_counter!("outbox_buried_total", "Events that can never be delivered.");
    describe_counter!("http_requests_total", "Requests answered, by method, route and status.");
    describe_counter!("http_requests_abandoned_total", "Requests whose client went away.");
    describe_histogram!(
        "http_request_duration_seconds",
        Unit::Seconds,
        "From a request's head to its answer."
    );
}
