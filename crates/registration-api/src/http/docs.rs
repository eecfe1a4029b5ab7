//! `GET /docs`: the API to read and to try out, with Swagger UI, and what each problem means.
//!
//! Everything comes from this process: the pages work offline and load nothing from anywhere else.

use std::fmt::Write;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::web::Path;
use utoipa_swagger_ui::Config;

use super::problem::Problem;
use super::problem_kind::ProblemKind;

const PAGE: &str = include_str!("docs/page.html");
const START_SCRIPT: &str = include_str!("docs/start.js");
const STYLE: &str = include_str!("docs/style.css");

/// Swagger UI sets style attributes and draws icons from data URLs; scripts come from here only.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

pub(crate) async fn page() -> HttpResponse {
    html(PAGE)
}

/// Lists the problems; each `type` in a problem document leads here.
pub(crate) async fn problems() -> HttpResponse {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Problems</title>\n\
         <link rel=\"stylesheet\" href=\"/docs/style.css\">\n<h1>Problems</h1>\n\
         <p>An answer that is not a success is a problem document \
         (<code>application/problem+json</code>, RFC 9457). Its <code>code</code> is one of these.</p>\n",
    );
    for kind in ProblemKind::ALL {
        let (code, status, title, meaning) =
            (kind.code(), kind.status().as_u16(), kind.title(), kind.meaning());
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "<section id=\"{code}\"><h2>{title}</h2><p><code>{code}</code>, status {status}</p><p>{meaning}</p></section>"
        );
    }
    html(&page)
}

/// The few files the page needs.
pub(crate) async fn asset(name: Path<String>) -> Result<HttpResponse, Problem> {
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "public, max-age=3600"));
    match name.as_str() {
        "start.js" => Ok(response.content_type("text/javascript; charset=utf-8").body(START_SCRIPT)),
        "style.css" => Ok(response.content_type("text/css; charset=utf-8").body(STYLE)),
        "swagger-ui.css" | "swagger-ui-bundle.js" | "favicon-32x32.png" => {
            let file = utoipa_swagger_ui::serve(&name, Arc::new(Config::default())).ok().flatten();
            let file = file.ok_or_else(|| Problem::new(ProblemKind::NotFound))?;
            Ok(response.content_type(file.content_type).body(file.bytes.into_owned()))
        }
        _ => Err(Problem::new(ProblemKind::NotFound)),
    }
}

fn html(page: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .body(page.to_owned())
}
