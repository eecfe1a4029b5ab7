//! Which handler serves which path and method. Everything else is 404 or 405.

use std::future::ready;

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, ResponseError, Route, guard};
use utoipa::openapi::PathItem;

use super::docs;
use super::endpoints::{Endpoint, endpoints};
use super::problem::Problem;
use super::problem_kind::ProblemKind;
use super::redirect::redirect;
use super::signup_page;

/// Registers the endpoints, and the pages that document them.
pub(crate) fn routes(config: &mut ServiceConfig) {
    for (path, handlers) in by_path(endpoints()) {
        config.service(resource(&path, handlers));
    }
    config
        .service(page("/docs", web::to(docs::page)))
        .service(page("/docs/problems", web::to(docs::problems)))
        .service(page("/docs/{asset}", web::to(docs::asset)))
        .service(page("/docs/", web::to(async || redirect("../docs"))))
        .service(page("/", web::to(signup_page::page)))
        .service(page("/signup/{asset}", web::to(signup_page::asset)))
        .default_service(web::to(not_found));
}

/// A handler with the methods that lead to it.
pub(super) type Handler = (Vec<Method>, Route);

/// The handlers of each path, the paths in the order of their first endpoint: of two patterns that
/// match a request the earlier one counts.
pub(super) fn by_path(endpoints: Vec<Endpoint>) -> Vec<(String, Vec<Handler>)> {
    let mut paths: Vec<(String, Vec<Handler>)> = Vec::new();
    for endpoint in endpoints {
        for (path, item) in &endpoint.description.paths.paths {
            let handler = (list_methods(item), (endpoint.route)());
            match paths.iter_mut().find(|(known, _)| known == path) {
                Some((_, handlers)) => handlers.push(handler),
                None => paths.push((path.clone(), vec![handler])),
            }
        }
    }
    paths
}

/// The methods of a path. HEAD is supported wherever GET is (RFC 9110 section 9.1).
fn list_methods(item: &PathItem) -> Vec<Method> {
    let operations = [
        (Method::GET, &item.get),
        (Method::HEAD, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ];
    operations
        .into_iter()
        .filter(|(_, operation)| operation.is_some())
        .map(|(method, _)| method)
        .collect()
}

/// A page to be read.
pub(super) fn page(path: &str, route: Route) -> Resource {
    resource(path, vec![(vec![Method::GET, Method::HEAD], route)])
}

/// Serves a path by these handlers; other methods are refused.
pub(super) fn resource(path: &str, handlers: Vec<Handler>) -> Resource {
    let methods = handlers.iter().flat_map(|(methods, _)| methods);
    let allow = methods.map(Method::as_str).collect::<Vec<_>>().join(", ");
    let refuse = move || ready(Problem::method_not_allowed(&allow).error_response());
    let resource = handlers.into_iter().fold(web::resource(path), |resource, (methods, route)| {
        let is_allowed = guard::fn_guard(move |request| methods.contains(&request.head().method));
        resource.route(route.guard(is_allowed))
    });
    resource.default_service(web::to(refuse))
}

/// The answer where there is nothing.
pub(super) async fn not_found(request: HttpRequest) -> HttpResponse {
    // `OPTIONS *` asks whether the server as a whole answers (RFC 9110 section 9.3.7).
    if request.method() == Method::OPTIONS && request.path() == "*" {
        return HttpResponse::NoContent().finish();
    }
    Problem::new(ProblemKind::NotFound).error_response()
}
