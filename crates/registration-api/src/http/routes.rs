//! Which handler answers which path and method. Whatever is not listed is 404 or 405.

use actix_web::http::Method;
use actix_web::http::header::LOCATION;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Resource, ResponseError, Route};

use super::endpoints::{activate, health, register, resend_code};
use super::problem::Problem;
use super::problem_kind::ProblemKind;
use super::{docs, openapi};

/// Lays out the paths of the API.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(post("/api/v1/users/register", web::post().to(register::register)))
        .service(post("/api/v1/users/activate", web::post().to(activate::activate)))
        .service(post("/api/v1/users/resend-code", web::post().to(resend_code::resend_code)))
        .service(get("/api/v1/openapi.json", || web::to(openapi::serve)))
        .service(get("/health/live", || web::to(health::live)))
        .service(get("/health/ready", || web::to(health::ready)))
        .service(get("/docs", || web::to(docs::page)))
        .service(get("/docs/problems", || web::to(docs::problems)))
        .service(get("/docs/{asset}", || web::to(docs::asset)))
        .service(get("/", || web::to(redirect_to_docs)))
        .default_service(web::to(not_found));
}

fn post(path: &str, route: Route) -> Resource {
    web::resource(path).route(route).default_service(web::to(only_post))
}

fn get(path: &str, route: impl Fn() -> Route) -> Resource {
    web::resource(path)
        .route(route().method(Method::GET))
        .route(route().method(Method::HEAD))
        .default_service(web::to(only_get))
}

async fn redirect_to_docs() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, "/docs")).finish()
}

async fn not_found() -> HttpResponse {
    Problem::new(ProblemKind::NotFound).error_response()
}

async fn only_post() -> HttpResponse {
    Problem::method_not_allowed("POST").error_response()
}

async fn only_get() -> HttpResponse {
    Problem::method_not_allowed("GET, HEAD").error_response()
}
