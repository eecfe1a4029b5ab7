//! The routes that several files of the inbox declare.

use actix_web::{Route, guard, web};

/// A route for GET and HEAD (RFC 9110 section 9.3.2). The server leaves out the body of a response
/// to HEAD.
pub(super) fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
