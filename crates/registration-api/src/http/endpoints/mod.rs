//! The endpoints of the API, one file each.
//!
//! To add one, write its file, which describes path, method, bodies and problems on the handler
//! (`#[utoipa::path]`), and add it to [`endpoints`]. The routes and the OpenAPI document come from
//! that list.

mod activate;
mod challenge;
mod code_announcement;
mod health;
mod language_header;
mod openapi_document;
mod register;
mod resend_code;

use actix_web::Route;

pub(crate) use openapi_document::OpenApiDocument;

/// A handler and its description.
pub(crate) struct Endpoint {
    /// Describes this endpoint and nothing else.
    pub(crate) description: utoipa::openapi::OpenApi,
    pub(crate) route: fn() -> Route,
}

/// Makes an [`Endpoint`] of a handler that `#[utoipa::path]` describes.
macro_rules! endpoint {
    ($($handler:ident)::+) => {{
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($handler)::+))]
        struct Description;
        $crate::http::endpoints::Endpoint {
            description: <Description as utoipa::OpenApi>::openapi(),
            route: || actix_web::web::to($($handler)::+),
        }
    }};
}
pub(crate) use endpoint;

/// Every endpoint.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(register::register),
        endpoint!(activate::activate),
        endpoint!(resend_code::resend_code),
        endpoint!(challenge::challenge),
        endpoint!(health::live),
        endpoint!(health::ready),
        endpoint!(openapi_document::openapi_document),
    ]
}
