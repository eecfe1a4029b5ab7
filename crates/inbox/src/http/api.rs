//! The part of Mailpit's JSON API that lists, reads, searches and deletes mails: the same paths,
//! parameters, field names and responses, so that Mailpit's clients work with this inbox.

use std::collections::{BTreeMap, HashSet};

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use super::route::get;
use crate::mail::{Envelope, File, Overview};
use crate::mailbox::{Entry, Mailbox, Selection};
use crate::search::{Query, QueryError};

/// How many mails a list returns unless the client sets a limit.
const DEFAULT_LIMIT: usize = 50;

/// When the inbox was started.
pub(super) struct Started(pub(super) Instant);

pub(super) fn add_routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/api/v1/messages")
                .route(get().to(list))
                .route(web::put().to(set_read))
                .route(web::delete().to(delete)),
        )
        .service(
            web::resource("/api/v1/search")
                .route(get().to(search))
                .route(web::delete().to(delete_matches)),
        )
        .route("/api/v1/message/{id}", get().to(read_mail))
        .route("/api/v1/message/{id}/headers", get().to(read_headers))
        .route("/api/v1/tags", get().to(|| async { HttpResponse::Ok().json([(); 0]) }))
        .route("/api/v1/info", get().to(describe_mailbox))
        .route("/livez", get().to(HttpResponse::Ok))
        .route("/readyz", get().to(HttpResponse::Ok));
}

/// A mail in a list.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Summary<'a> {
    #[serde(flatten)]
    overview: &'a Overview,
    read: bool,
    created: &'a str,
    username: &'a str,
    tags: [&'a str; 0],
    attachments: usize,
    snippet: &'a str,
}

impl<'a> From<&'a Entry> for Summary<'a> {
    fn from(Entry { mail, read }: &'a Entry) -> Self {
        Self {
            overview: &mail.overview,
            read: *read,
            created: &mail.received,
            username: "",
            tags: [],
            attachments: mail.attachments,
            snippet: &mail.snippet,
        }
    }
}

#[derive(Serialize)]
struct Listing<'a> {
    total: usize,
    unread: usize,
    count: usize,
    messages_count: usize,
    messages_unread: usize,
    start: usize,
    tags: [&'a str; 0],
    messages: Vec<Summary<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Message<'a> {
    #[serde(flatten)]
    overview: &'a Overview,
    return_path: &'a str,
    /// Not part of Mailpit's API: who really got the mail, whatever its headers say.
    envelope: &'a Envelope,
    date: &'a str,
    tags: [&'a str; 0],
    username: &'a str,
    list_unsubscribe: ListUnsubscribe<'a>,
    text: String,
    #[serde(rename = "HTML")]
    html: String,
    inline: Vec<File>,
    attachments: Vec<File>,
}

/// What Mailpit reports about the List-Unsubscribe header. Mails with codes have none: always empty
/// here.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListUnsubscribe<'a> {
    header: &'a str,
    links: [&'a str; 0],
    errors: &'a str,
    header_post: &'a str,
}

/// A value that is not a number is ignored, as in Mailpit.
#[derive(Deserialize)]
struct Range {
    start: Option<String>,
    limit: Option<String>,
}

impl Range {
    fn start(&self) -> usize {
        self.start.as_ref().and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    fn limit(&self) -> usize {
        self.limit.as_ref().and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_LIMIT)
    }
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    query: String,
}

async fn list(mailbox: web::Data<Mailbox>, range: web::Query<Range>) -> HttpResponse {
    let entries = mailbox.entries();
    respond_with_list(&entries, &entries.iter().collect::<Vec<_>>(), &range)
}

async fn search(
    mailbox: web::Data<Mailbox>,
    search: web::Query<Search>,
    range: web::Query<Range>,
) -> HttpResponse {
    let entries = mailbox.entries();
    match Query::parse(&search.query) {
        Ok(query) => respond_with_list(&entries, &find(&entries, &query), &range),
        Err(error) => reject_query(&error),
    }
}

fn find<'a>(entries: &'a [Entry], query: &Query) -> Vec<&'a Entry> {
    entries.iter().filter(|entry| query.matches(entry)).collect()
}

fn respond_with_list(all: &[Entry], selected: &[&Entry], range: &Range) -> HttpResponse {
    let page = selected.iter().skip(range.start()).take(range.limit());
    let messages: Vec<_> = page.map(|entry| Summary::from(*entry)).collect();
    HttpResponse::Ok().json(Listing {
        total: all.len(),
        unread: all.iter().filter(|entry| !entry.read).count(),
        count: messages.len(),
        messages_count: selected.len(),
        messages_unread: selected.iter().filter(|entry| !entry.read).count(),
        start: range.start(),
        tags: [],
        messages,
    })
}

async fn read_mail(mailbox: web::Data<Mailbox>, id: web::Path<String>) -> HttpResponse {
    let Some(mail) = mailbox.get(&id) else { return not_found() };
    mailbox.set_read(&Selection::Ids(HashSet::from([mail.overview.id.clone()])), true);
    let content = mail.content();
    let (inline, attachments) = content.files.into_iter().partition(|file| file.is_inline);
    HttpResponse::Ok().json(Message {
        overview: &mail.overview,
        return_path: &mail.envelope.from,
        date: mail.date.as_ref().unwrap_or(&mail.received),
        envelope: &mail.envelope,
        tags: [],
        username: "",
        list_unsubscribe: ListUnsubscribe::default(),
        text: content.text,
        html: content.html,
        inline,
        attachments,
    })
}

async fn read_headers(mailbox: web::Data<Mailbox>, id: web::Path<String>) -> HttpResponse {
    let Some(mail) = mailbox.get(&id) else { return not_found() };
    let mut headers = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in mail.headers() {
        headers.entry(canonicalize(&name)).or_default().push(value);
    }
    HttpResponse::Ok().json(headers)
}

/// Writes a header's name as Go does, and so Mailpit: `Message-Id`.
fn canonicalize(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_ascii_uppercase() + &rest.to_ascii_lowercase()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// Go, and so Mailpit, accepts field names in any case.
#[derive(Deserialize, Default)]
struct Change {
    #[serde(rename = "IDs", alias = "ids", alias = "Ids", default)]
    ids: HashSet<String>,
    #[serde(rename = "Read", alias = "read", default)]
    read: bool,
    #[serde(rename = "Search", alias = "search", default)]
    search: String,
}

async fn set_read(mailbox: web::Data<Mailbox>, body: web::Bytes) -> HttpResponse {
    let Ok(change) = serde_json::from_slice::<Change>(&body) else { return reject_body() };
    let selection = match (change.ids.is_empty(), change.search.as_str()) {
        (true, "") => Selection::All,
        (false, "") => Selection::Ids(change.ids),
        (true, search) => match select(&mailbox, search) {
            Ok(selection) => selection,
            Err(error) => return reject_query(&error),
        },
        (false, _) => {
            return respond_plain(
                StatusCode::BAD_REQUEST,
                "give either IDs or a search query, not both",
            );
        }
    };
    mailbox.set_read(&selection, change.read);
    respond_plain(StatusCode::OK, "ok")
}

async fn delete(mailbox: web::Data<Mailbox>, body: web::Bytes) -> HttpResponse {
    let change =
        if body.is_empty() { Ok(Change::default()) } else { serde_json::from_slice(&body) };
    // Mailpit deletes everything if it cannot parse the body. A client that sent one did not mean
    // everything.
    let Ok(Change { ids, .. }) = change else { return reject_body() };
    mailbox.delete(&if ids.is_empty() { Selection::All } else { Selection::Ids(ids) });
    respond_plain(StatusCode::OK, "ok")
}

async fn delete_matches(mailbox: web::Data<Mailbox>, search: web::Query<Search>) -> HttpResponse {
    match select(&mailbox, &search.query) {
        Ok(selection) => {
            mailbox.delete(&selection);
            respond_plain(StatusCode::OK, "ok")
        }
        Err(error) => reject_query(&error),
    }
}

fn select(mailbox: &Mailbox, search: &str) -> Result<Selection, QueryError> {
    let query = Query::parse(search)?;
    let entries = mailbox.entries();
    Ok(Selection::Ids(
        find(&entries, &query).iter().map(|entry| entry.mail.overview.id.clone()).collect(),
    ))
}

async fn describe_mailbox(
    mailbox: web::Data<Mailbox>,
    started: web::Data<Started>,
) -> HttpResponse {
    let (entries, totals) = (mailbox.entries(), mailbox.totals());
    HttpResponse::Ok().json(json!({
        "Version": env!("CARGO_PKG_VERSION"),
        "LatestVersion": "disabled",
        "Database": "memory",
        "DatabaseSize": mailbox.bytes(),
        "Messages": entries.len(),
        "Unread": entries.iter().filter(|entry| !entry.read).count(),
        "Tags": {},
        "RuntimeStats": {
            "Uptime": started.0.elapsed().as_secs(),
            "MessagesDeleted": totals.deleted,
            "SMTPAccepted": totals.accepted,
            "SMTPAcceptedSize": totals.accepted_bytes,
        },
    }))
}

pub(super) fn not_found() -> HttpResponse {
    respond_plain(StatusCode::NOT_FOUND, "404 page not found")
}

fn reject_query(error: &QueryError) -> HttpResponse {
    respond_plain(StatusCode::BAD_REQUEST, &error.to_string())
}

fn reject_body() -> HttpResponse {
    respond_plain(StatusCode::BAD_REQUEST, "the body is not the expected JSON")
}

fn respond_plain(status: StatusCode, text: &str) -> HttpResponse {
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(text.to_owned())
}
