//! The JSON API, route by route, as Mailpit's clients use it.

use inbox::Inbox;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use test_support::soon;

use crate::harness::{get, get_json, http_client, mail, send, start, url};

async fn filled() -> (Inbox, [String; 3]) {
    let inbox = start().await;
    let ada = send(&inbox, "ada@example.com", &mail("ada@example.com", "Your code", "7963")).await;
    let bob =
        send(&inbox, "bob@example.com", &mail("bob@example.com", "Welcome home", "0042")).await;
    let eve = send(
        &inbox,
        "eve@example.org",
        "From: x@y.example\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nhi\n",
    )
    .await;
    (inbox, [ada, bob, eve])
}

async fn call(
    inbox: &Inbox,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (StatusCode, String) {
    let mut request = http_client().request(method, url(inbox, path));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = soon("an answer", request.send()).await.unwrap();
    (response.status(), response.text().await.unwrap())
}

fn ids(listing: &Value) -> Vec<&str> {
    listing["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mail| mail["ID"].as_str().unwrap())
        .collect()
}

async fn found(inbox: &Inbox, query: &str) -> Vec<String> {
    let path = format!("/api/v1/search?query={}", query.replace(' ', "+").replace('"', "%22"));
    ids(&get_json(inbox, &path).await).into_iter().map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn an_empty_inbox_lists_nothing() {
    let inbox = start().await;
    let expected = json!({ "total": 0, "unread": 0, "count": 0, "messages_count": 0, "messages_unread": 0,
        "start": 0, "tags": [], "messages": [] });
    assert_eq!(get_json(&inbox, "/api/v1/messages").await, expected);
    assert_eq!(get(&inbox, "/api/v1/message/latest").await.status(), 404);
}

#[tokio::test]
async fn mails_are_listed_newest_first() {
    let (inbox, [ada, bob, eve]) = filled().await;
    let listing = get_json(&inbox, "/api/v1/messages").await;
    assert_eq!(ids(&listing), [&eve, &bob, &ada]);
    let mut summary = listing["messages"][2].clone();
    let created = summary["Created"].take();
    let created = created.as_str().unwrap();
    assert!(created.len() == 24 && created.ends_with('Z'), "{created}");
    let expected = json!({
        "ID": ada, "MessageID": "7963.1@acme.example", "Read": false,
        "From": { "Name": "Acme", "Address": "no-reply@acme.example" },
        "To": [{ "Name": "Ada", "Address": "ada@example.com" }], "Cc": [], "Bcc": [], "ReplyTo": [],
        "Subject": "Your code", "Created": null, "Username": "", "Tags": [],
        "Size": summary["Size"], "Attachments": 0, "Snippet": "Your code: 7963",
    });
    assert_eq!(summary, expected);
    assert_eq!(listing["messages"][0]["Subject"], "Grüße");
    assert_eq!(
        listing["messages"][0]["Bcc"],
        json!([{ "Name": "", "Address": "eve@example.org" }])
    );
}

#[tokio::test]
async fn a_list_can_be_read_in_pages() {
    let (inbox, [_, bob, _]) = filled().await;
    let page = get_json(&inbox, "/api/v1/messages?start=1&limit=1").await;
    assert_eq!(ids(&page), [&bob]);
    assert_eq!((&page["start"], &page["count"], &page["total"]), (&json!(1), &json!(1), &json!(3)));
    assert_eq!(get_json(&inbox, "/api/v1/messages?start=x&limit=-1").await["count"], 3);
    assert_eq!(get_json(&inbox, "/api/v1/messages?start=18446744073709551615").await["count"], 0);
}

#[tokio::test]
async fn a_mail_is_read_whole_and_marked_as_read() {
    let (inbox, [ada, _, eve]) = filled().await;
    let mail = get_json(&inbox, &format!("/api/v1/message/{ada}")).await;
    assert_eq!(mail["Text"], "Your code:\r\n\r\n7963");
    assert_eq!(mail["HTML"], "<p>Your code: <b>7963</b></p>");
    assert_eq!(mail["ReturnPath"], "sender@example.com");
    assert_eq!((&mail["Attachments"], &mail["Inline"]), (&json!([]), &json!([])));
    assert!(mail["Date"].is_string());
    let latest = get_json(&inbox, "/api/v1/message/latest").await;
    assert_eq!((latest["ID"].as_str().unwrap(), &latest["HTML"]), (eve.as_str(), &json!("")));
    assert_eq!(get_json(&inbox, "/api/v1/messages").await["unread"], 1);
}

#[tokio::test]
async fn a_mail_keeps_its_date_and_the_recipients_of_its_envelope() {
    let inbox = start().await;
    let text = "To: Everybody <list@example.com>\nDate: Tue, 1 Jul 2003 10:52:37 +0200\nSubject: x\n\nhi\n";
    let id = send(&inbox, "ada@example.com", text).await;
    let mail = get_json(&inbox, &format!("/api/v1/message/{id}")).await;
    assert_eq!(mail["Date"], "2003-07-01T10:52:37+02:00");
    assert_eq!(
        mail["Envelope"],
        json!({ "From": "sender@example.com", "To": ["ada@example.com"] })
    );
    assert_eq!(mail["To"][0]["Address"], "list@example.com");
    assert_eq!(found(&inbox, "addressed:ada@example.com").await, [id.as_str()]);
    // Without a date, or with none that can be read, the time of arrival stands in.
    for text in ["Subject: x\n\nhi\n", "Date: soon\n\nhi\n"] {
        let id = send(&inbox, "ada@example.com", text).await;
        let mail = get_json(&inbox, &format!("/api/v1/message/{id}")).await;
        let received = inbox.mailbox().get(&id).unwrap().received.clone();
        assert_eq!(mail["Date"], received);
    }
    // Not a mail at all: somebody got it all the same.
    let id = send(&inbox, "eve@example.com", "\n").await;
    assert_eq!(found(&inbox, "addressed:eve@example.com").await, [id.as_str()]);
}

#[tokio::test]
async fn headers_source_and_views_are_served() {
    let (inbox, [ada, _, eve]) = filled().await;
    let headers = get_json(&inbox, &format!("/api/v1/message/{ada}/headers")).await;
    assert_eq!(headers["Message-Id"], json!(["<7963.1@acme.example>"]));
    assert_eq!(headers["X-Folded"], json!(["one two"]));
    let raw = get(&inbox, &format!("/api/v1/message/{ada}/raw")).await;
    assert_eq!(raw.bytes().await.unwrap(), inbox.mailbox().get(&ada).unwrap().raw);
    let view = async |path: String| get(&inbox, &path).await.text().await.unwrap();
    assert_eq!(view(format!("/view/{ada}.html")).await, "<p>Your code: <b>7963</b></p>");
    assert_eq!(view(format!("/view/{ada}.txt")).await, "Your code:\r\n\r\n7963");
    assert_eq!(view("/view/latest.txt".into()).await, "hi\r\n\r\n");
    assert_eq!(get(&inbox, &format!("/view/{eve}.html")).await.status(), 404);
}

#[tokio::test]
async fn files_are_listed_and_downloaded_but_never_shown() {
    let inbox = start().await;
    let mail = "Subject: files\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhi\n\
        --b\nContent-Type: text/html\nContent-Disposition: attachment; filename=evil.html\n\n<script>1</script>\n\
        --b\nContent-Type: image/png\nContent-ID: <logo>\nContent-Disposition: inline\n\
        Content-Transfer-Encoding: base64\n\niVBORw==\n--b--\n";
    let id = send(&inbox, "ada@example.com", mail).await;
    assert_eq!(get_json(&inbox, "/api/v1/messages").await["messages"][0]["Attachments"], 1);
    let mail = get_json(&inbox, &format!("/api/v1/message/{id}")).await;
    assert_eq!(mail["Attachments"][0]["FileName"], "evil.html");
    assert_eq!(
        (&mail["Inline"][0]["ContentID"], &mail["Inline"][0]["Size"]),
        (&json!("logo"), &json!(4))
    );
    let part = mail["Attachments"][0]["PartID"].as_str().unwrap();
    let file = get(&inbox, &format!("/api/v1/message/{id}/part/{part}")).await;
    assert_eq!(file.headers()["content-type"], "application/octet-stream");
    assert_eq!(file.headers()["content-disposition"], "attachment");
    assert!(file.text().await.unwrap().contains("<script>"));
    assert_eq!(get(&inbox, &format!("/api/v1/message/{id}/part/9")).await.status(), 404);
}

#[tokio::test]
async fn mails_are_found_by_field_and_word() {
    let (inbox, [ada, bob, eve]) = filled().await;
    let cases: [(&str, &[&String]); 16] = [
        ("to:\"ada@example.com\"", &[&ada]),
        ("to:ADA@Example.com", &[&ada]),
        ("to:nobody@example.com", &[]),
        ("from:acme", &[&bob, &ada]),
        ("subject:\"welcome home\"", &[&bob]),
        ("subject:grüße", &[&eve]),
        ("\"your code:\"", &[&bob, &ada]),
        ("0042", &[&bob]),
        ("bcc:eve", &[&eve]),
        ("addressed:example.org", &[&eve]),
        ("message-id:7963", &[&ada]),
        ("from:acme -to:ada@", &[&bob]),
        ("!from:acme", &[&eve]),
        ("is:unread", &[&eve, &bob, &ada]),
        ("is:read", &[]),
        ("has:attachment", &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(found(&inbox, query).await.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let listing = get_json(&inbox, "/api/v1/search?query=from:acme&limit=1").await;
    assert_eq!(
        (&listing["messages_count"], &listing["count"], &listing["total"]),
        (&json!(2), &json!(1), &json!(3))
    );
    for path in ["/api/v1/search", "/api/v1/search?query=", "/api/v1/search?query=before:2020"] {
        assert_eq!(get(&inbox, path).await.status(), 400, "{path}");
    }
}

#[tokio::test]
async fn mails_are_marked_by_identifier_by_search_or_all() {
    let (inbox, [ada, _, _]) = filled().await;
    let put = |body| call(&inbox, Method::PUT, "/api/v1/messages", Some(body));
    assert_eq!(put(json!({ "Read": true, "IDs": [ada] })).await, (StatusCode::OK, "ok".into()));
    assert_eq!(found(&inbox, "is:read").await, [ada.as_str()]);
    put(json!({ "Read": true, "Search": "subject:welcome" })).await;
    assert_eq!(found(&inbox, "is:read").await.len(), 2);
    put(json!({ "Read": false })).await;
    assert_eq!(found(&inbox, "is:unread").await.len(), 3);
    assert_eq!(put(json!({ "Read": true, "IDs": [ada], "Search": "x" })).await.0, 400);
    assert_eq!(put(json!("nonsense")).await.0, 400);
}

#[tokio::test]
async fn mails_are_deleted_by_identifier_by_search_or_all() {
    let (inbox, [ada, bob, eve]) = filled().await;
    let delete = |path, body| call(&inbox, Method::DELETE, path, body);
    let body = json!({ "IDs": [ada, "unknown"] });
    assert_eq!(delete("/api/v1/messages", Some(body)).await, (StatusCode::OK, "ok".into()));
    assert_eq!(ids(&get_json(&inbox, "/api/v1/messages").await), [&eve, &bob]);
    assert_eq!(delete("/api/v1/search?query=to:nobody", None).await.0, 200);
    assert_eq!(delete("/api/v1/search?query=-from:acme", None).await.0, 200);
    assert_eq!(ids(&get_json(&inbox, "/api/v1/messages").await), [&bob]);
    assert_eq!(delete("/api/v1/search?query=-tag:x", None).await.0, 400);
    assert_eq!(delete("/api/v1/messages", Some(json!([1]))).await.0, 400);
    assert_eq!(get_json(&inbox, "/api/v1/messages").await["total"], 1);
    assert_eq!(delete("/api/v1/messages", None).await.0, 200);
    assert_eq!(get_json(&inbox, "/api/v1/messages").await["total"], 0);
}

#[tokio::test]
async fn the_inbox_tells_how_it_is() {
    let (inbox, _) = filled().await;
    call(
        &inbox,
        Method::DELETE,
        "/api/v1/messages",
        Some(json!({ "IDs": [inbox.mailbox().get("latest").unwrap().overview.id] })),
    )
    .await;
    let info = get_json(&inbox, "/api/v1/info").await;
    assert_eq!((&info["Messages"], &info["Unread"]), (&json!(2), &json!(2)));
    assert_eq!(
        (&info["RuntimeStats"]["SMTPAccepted"], &info["RuntimeStats"]["MessagesDeleted"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(info["DatabaseSize"], inbox.mailbox().bytes());
    for path in [
        "/livez",
        "/readyz",
        "/api/v1/tags",
        "/",
        "/app.js",
        "/style.css",
        "/icon.svg",
        "/about.json",
    ] {
        assert_eq!(get(&inbox, path).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (inbox, _) = filled().await;
    for path in ["", "/headers", "/raw", "/part/0"] {
        let response = get(&inbox, &format!("/api/v1/message/unknown{path}")).await;
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(response.text().await.unwrap(), "404 page not found");
    }
    for path in ["/view/unknown.html", "/view/unknown.txt", "/nothing", "/view/../app"] {
        assert_eq!(get(&inbox, path).await.status(), 404, "{path}");
    }
}
