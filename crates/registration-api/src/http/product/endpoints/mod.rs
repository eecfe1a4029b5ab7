//! The endpoints of the product's listener, one file each.

mod account_response;
mod delete_user;
mod find_user;
mod get_user;
mod openapi_document;
mod target;
mod verify_password;

use crate::http::endpoints::{Endpoint, endpoint};

/// Those that ask for the token. Fixed paths come before patterns that they match.
pub(super) fn user_endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(verify_password::verify_password),
        endpoint!(find_user::find_user),
        endpoint!(get_user::get_user),
        endpoint!(delete_user::delete_user),
    ]
}

/// The description of the others, for everybody.
pub(super) fn document_endpoints() -> Vec<Endpoint> {
    vec![endpoint!(openapi_document::openapi_document)]
}
