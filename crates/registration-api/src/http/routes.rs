//! Which handler serves which path and method. Everything else is 404 or 405.

use std::future::ready;

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, ResponseError, Route, guard};
use utoipa::openapi::PathItem;

use super::docs;
use super::endpoints::endpoints;
use super::problem::Problem;
use super::problem_kind::ProblemKind;
use super::redirect::redirect;
use super::signup_page;

/// Registers the endpoints, and the pages that document them.
pub(crate) fn routes(config: &mut ServiceConfig) {
    for endpoint in endpoints() {
        for (path, item) in &endpoint.description.paths.paths {
            config.service(resource(path, list_methods(item), (endpoint.route)()));
        }
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

fn page(path: &str, route: Route) -> Resource {
    resource(path, vec![Method::GET, Method::HEAD], route)
}

fn resource(path: &str, methods: Vec<Method>, route: Route) -> Resource {
    let allow = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let is_allowed = guard::fn_guard(move |request| methods.contains(&request.head().method));
    let refuse = move || ready(Problem::method_not_allowed(&allow).error_response());
    web::resource(path).route(route.guard(is_allowed)).default_service(web::to(refuse))
}

async fn not_found(request: HttpRequest) -> HttpResponse {
    // `OPTIONS *` asks whether the server as a whole answers (RFC 9110 section 9.3.7).
    if request.method() == Method::OPTIONS && request.path() == "*" {
        return HttpResponse::NoContent().finish();
    }
    Problem::new(ProblemKind::NotFound).error_response()
}
