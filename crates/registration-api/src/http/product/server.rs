//! The product's listener: the same server as the API's, with other routes.

use std::net::TcpListener;

use actix_web::App;
use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};

use super::authorization::require_token;
use super::endpoints::{document_endpoints, user_endpoints};
use super::openapi;
use super::state::ProductState;
use crate::http::docs;
use crate::http::endpoints::OpenApiDocument;
use crate::http::routes::{by_path, not_found, page, resource};
use crate::http::server::{ServerOptions, serve, with_common_layers};

/// The server of the product's operations on a bound listener. It runs while it is polled, ignores
/// signals, and is stopped through its handle.
pub fn server(
    listener: TcpListener,
    state: Data<ProductState>,
    options: ServerOptions,
) -> std::io::Result<Server> {
    let document = Data::new(OpenApiDocument(openapi::document(&state.public_url)));
    let context = Data::new(state.context());
    serve("product", listener, options, move || {
        let app = App::new()
            .app_data(state.clone())
            .app_data(context.clone())
            .app_data(document.clone())
            .configure(routes);
        with_common_layers(app)
    })
}

/// The document and the explanations of problems tell no secret and ask for none.
fn routes(config: &mut ServiceConfig) {
    for (path, handlers) in by_path(user_endpoints()) {
        config.service(resource(&path, handlers).wrap(from_fn(require_token)));
    }
    for (path, handlers) in by_path(document_endpoints()) {
        config.service(resource(&path, handlers));
    }
    config
        .service(page("/docs/problems", web::to(docs::problems)))
        .service(page("/docs/{asset}", web::to(docs::asset)))
        .default_service(web::to(not_found));
}
