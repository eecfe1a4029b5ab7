//! The content of a mail, unchanged: text, HTML, source and files. None of it can be trusted, so it
//! is served in a way that a browser neither runs it nor loads anything for it, even if it is
//! opened on its own.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY};
use actix_web::{HttpResponse, HttpResponseBuilder, web};
use serde::Deserialize;

use super::api::not_found;
use super::route::get;
use crate::mailbox::Mailbox;

/// An origin of its own, no scripts, no forms, nothing from the network; links open in a new tab.
const UNTRUSTED: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
    style-src 'unsafe-inline'; img-src data:; font-src data:; form-action 'none'; base-uri 'none'; \
    frame-ancestors 'self'";

pub(super) fn add_routes(config: &mut web::ServiceConfig) {
    config
        .route("/view/{id:[A-Za-z0-9]+}.html", get().to(show_html))
        .route("/view/{id:[A-Za-z0-9]+}.txt", get().to(show_text))
        .route("/api/v1/message/{id}/raw", get().to(show_source))
        .route("/api/v1/message/{id}/part/{part}", get().to(download_file));
}

#[derive(Deserialize)]
struct HtmlOptions {
    embed: Option<String>,
}

async fn show_html(
    mailbox: web::Data<Mailbox>,
    id: web::Path<String>,
    options: web::Query<HtmlOptions>,
) -> HttpResponse {
    let html = mailbox.get(&id).map(|mail| mail.content().html).unwrap_or_default();
    if html.is_empty() {
        return not_found();
    }
    // Within the page, a link must not replace the mail. The first `base` counts, wherever it is.
    let base = if options.embed.as_deref() == Some("1") { "<base target=\"_blank\">" } else { "" };
    respond_untrusted("text/html; charset=utf-8").body(html + base)
}

async fn show_text(mailbox: web::Data<Mailbox>, id: web::Path<String>) -> HttpResponse {
    match mailbox.get(&id) {
        Some(mail) => respond_untrusted("text/plain; charset=utf-8").body(mail.content().text),
        None => not_found(),
    }
}

#[derive(Deserialize)]
struct RawOptions {
    dl: Option<String>,
}

async fn show_source(
    mailbox: web::Data<Mailbox>,
    id: web::Path<String>,
    options: web::Query<RawOptions>,
) -> HttpResponse {
    let Some(mail) = mailbox.get(&id) else { return not_found() };
    let mut response = respond_untrusted("text/plain; charset=utf-8");
    if options.dl.as_deref() == Some("1") {
        let name = format!("attachment; filename=\"{}.eml\"", mail.overview.id);
        response.insert_header((CONTENT_DISPOSITION, name));
    }
    response.body(mail.raw.clone())
}

async fn download_file(
    mailbox: web::Data<Mailbox>,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    let (id, part_id) = path.into_inner();
    match mailbox.get(&id).and_then(|mail| mail.file(&part_id)) {
        // The sender's file name and type are only displayed: neither decides what the browser does
        // with the file.
        Some((_, content)) => respond_untrusted("application/octet-stream")
            .insert_header((CONTENT_DISPOSITION, "attachment"))
            .body(content),
        None => not_found(),
    }
}

fn respond_untrusted(content_type: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.content_type(content_type).insert_header((CONTENT_SECURITY_POLICY, UNTRUSTED));
    response
}
