//! How the paths of the inbox are asked for.

use actix_web::{Route, guard, web};

/// A route for GET and HEAD: what can be asked for can be asked about (RFC 9110 section 9.3.2). The server leaves
/// the body of an answer to HEAD out.
pub(super) fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
