//! HEAD is answered wherever GET is, with the same header and no body (RFC 9110 section 9.3.2).

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use test_support::soon;

use crate::harness::{get, http_client, mail, send, start, url};

#[tokio::test]
async fn head_tells_what_get_would() {
    let inbox = start().await;
    let id = send(&inbox, "ada@example.com", &mail("ada@example.com", "Hello", "7963")).await;
    let of_mail = ["", "/headers", "/raw"].map(|part| format!("/api/v1/message/{id}{part}"));
    let page = ["/", "/style.css", "/app.js", "/icon.svg", "/about.json"].map(str::to_owned);
    let views = ["html", "txt"].map(|form| format!("/view/{id}.{form}"));
    let lists =
        ["messages", "search?query=ada", "tags", "info"].map(|list| format!("/api/v1/{list}"));
    let health = ["/livez", "/readyz"].map(str::to_owned);
    let missing = ["/api/v1/message/unknown", "/view/unknown.html", "/nothing"].map(str::to_owned);
    for path in [&of_mail[..], &page, &views, &lists, &health, &missing].concat() {
        let head = soon("the answer to HEAD", http_client().head(url(&inbox, &path)).send())
            .await
            .unwrap();
        let get = get(&inbox, &path).await;
        assert_eq!(head.status(), get.status(), "{path}");
        for name in ["content-type", "content-length", "content-security-policy"] {
            assert_eq!(head.headers().get(name), get.headers().get(name), "{name} of {path}");
        }
        assert!(head.bytes().await.unwrap().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn head_of_the_events_ends_and_leaves_the_connection_usable() {
    let inbox = start().await;
    let mut connection = BufReader::new(TcpStream::connect(inbox.http_address()).await.unwrap());
    for (path, content_type) in
        [("/events", "text/event-stream"), ("/about.json", "application/json")]
    {
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        connection.get_mut().write_all(request.as_bytes()).await.unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(
                soon("a line of the head", connection.read_line(&mut head)).await.unwrap(),
                0,
                "closed after {head:?}"
            );
        }
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains(&format!("content-type: {content_type}\r\n")), "{head}");
    }
}
