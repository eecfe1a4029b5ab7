//! Leads from one page to another.

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;

/// Leads to a page; a relative path holds behind a proxy that adds one in front.
pub(crate) fn redirect(path: &'static str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}
