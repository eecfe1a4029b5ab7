//! Lets pages of configured origins call the API (Fetch standard, CORS protocol). Without any, no
//! answer carries a CORS header and browsers keep other origins out.

use actix_cors::Cors;
use actix_web::http::{Method, header};

/// What tracing and request libraries add to every request of a page: one that is not allowed fails
/// them all.
const ADDED_HEADERS: [&str; 5] =
    ["traceparent", "tracestate", "baggage", "sentry-trace", "x-requested-with"];

/// Allows the methods and headers that the API uses. No credentials mode: there are no cookies.
pub(crate) fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST])
        .allowed_headers([header::ACCEPT, header::AUTHORIZATION, header::CONTENT_TYPE])
        .allowed_headers(ADDED_HEADERS)
        .expose_headers(["Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id"])
        .max_age(600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
