//! The web page: static files, compiled in, that load nothing from elsewhere.

use std::net::SocketAddr;

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::route::get;

/// What the page tells about its inbox.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) smtp: SocketAddr,
    pub(crate) example: Option<String>,
}

/// Only the page's own files, and mails in frames; no other page may frame this one.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = include_str!("../../page/index.html");
const STYLE: &str =
    concat!(include_str!("../../../../assets/pages.css"), include_str!("../../page/style.css"));
const SCRIPT: &str = include_str!("../../page/app.js");
const ICON: &str = include_str!("../../page/icon.svg");

pub(super) fn add_routes(config: &mut web::ServiceConfig) {
    let file = |content_type: &'static str, content: &'static str| {
        get().to(move || async move { HttpResponse::Ok().content_type(content_type).body(content) })
    };
    config
        .route("/", file("text/html; charset=utf-8", HTML))
        .route("/style.css", file("text/css; charset=utf-8", STYLE))
        .route("/app.js", file("text/javascript; charset=utf-8", SCRIPT))
        .route("/icon.svg", file("image/svg+xml", ICON))
        .route("/about.json", get().to(describe_inbox));
}

/// What the page shows while the inbox is empty.
async fn describe_inbox(page: web::Data<Page>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "smtp": page.smtp.to_string(), "example": page.example }))
}
