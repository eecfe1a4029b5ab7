//! A page learns of a change when it happens.

use inbox::{Inbox, Selection};
use test_support::soon;

use crate::harness::{get, mail, send, start};

struct Events(reqwest::Response, String);

impl Events {
    async fn open(inbox: &Inbox) -> Self {
        let response = get(inbox, "/events").await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut events = Self(response, String::new());
        assert_eq!(events.next().await, Some("retry: 1000".into()));
        events
    }

    /// The next event; none when the stream has ended.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.1.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.1 = rest;
                return Some(event);
            }
            let chunk = soon("an event", self.0.chunk()).await.ok()??;
            self.1.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test]
async fn a_new_mail_is_announced_to_every_page() {
    let inbox = start().await;
    let mut pages = [Events::open(&inbox).await, Events::open(&inbox).await];
    let id = send(&inbox, "ada@example.com", &mail("ada@example.com", "Hello", "7963")).await;
    for page in &mut pages {
        let event = page.next().await.unwrap();
        let data = event.strip_prefix("event: arrived\ndata: ").unwrap();
        let summary: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(
            (summary["ID"].as_str().unwrap(), summary["Subject"].as_str().unwrap()),
            (id.as_str(), "Hello")
        );
    }
}

#[tokio::test]
async fn line_ends_in_a_mail_cannot_forge_events() {
    let inbox = start().await;
    let mut page = Events::open(&inbox).await;
    let subject = "=?utf-8?q?x=0A=0Aevent:_altered=0Adata:_{}=0A=0A?=";
    send(&inbox, "ada@example.com", &format!("Subject: {subject}\n\nhi\n")).await;
    assert!(page.next().await.unwrap().starts_with("event: arrived\n"));
    inbox.mailbox().delete(&Selection::All);
    assert_eq!(page.next().await.unwrap(), "event: altered\ndata: {}");
    send(&inbox, "ada@example.com", &mail("ada@example.com", "Hello", "7963")).await;
    let next = page.next().await.unwrap();
    assert!(
        next.starts_with("event: arrived\n") && next.contains("Hello"),
        "nothing else was sent: {next}"
    );
}

#[tokio::test]
async fn reading_and_deleting_are_announced_once() {
    let inbox = start().await;
    let id = send(&inbox, "ada@example.com", &mail("ada@example.com", "Hello", "7963")).await;
    let mut page = Events::open(&inbox).await;
    for _ in 0..2 {
        get(&inbox, &format!("/api/v1/message/{id}")).await;
    }
    inbox.mailbox().delete(&Selection::All);
    inbox.mailbox().delete(&Selection::All);
    for _ in 0..2 {
        assert_eq!(page.next().await.unwrap(), "event: altered\ndata: {}");
    }
    inbox.shutdown().await;
    assert_eq!(page.next().await, None);
}
