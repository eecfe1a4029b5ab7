//! Headers that every answer carries (OWASP HTTP Headers cheat sheet; ASVS 3.4, 14.3.2).
//!
//! The strictest values are the default; a page that needs more overrides them.

use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;

/// Forbids caching, framing, sniffing, referrers and loading anything from an answer.
pub(crate) fn security_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::CACHE_CONTROL, "no-store"))
        .add((header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::X_FRAME_OPTIONS, "DENY"))
        .add((header::REFERRER_POLICY, "no-referrer"))
}
