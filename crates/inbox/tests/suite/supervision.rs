//! A server that panics is started again, on the same port.

use test_support::{PanickingLog, eventually};

use crate::harness::{Smtp, get_json, http_client, mail, send, start, url};

#[tokio::test]
async fn an_smtp_server_that_panics_is_started_again() {
    let inbox = start().await;
    let log = PanickingLog::at("inbox.smtp_connected");
    let mut unlucky = Smtp::connect_silently(&inbox).await;
    assert_eq!(unlucky.rest().await, "");
    assert_eq!(log.panics(), 1);
    send(&inbox, "ada@example.com", &mail("ada@example.com", "Hello", "0042")).await;
    assert_eq!(inbox.mailbox().get("latest").unwrap().overview.subject, "Hello");
    inbox.shutdown().await;
}

#[tokio::test]
async fn a_page_that_panics_is_started_again() {
    let log = PanickingLog::at("inbox.page_listening");
    let inbox = start().await;
    eventually("the page", async || http_client().get(url(&inbox, "/livez")).send().await.ok())
        .await;
    assert_eq!(log.panics(), 1);
    send(&inbox, "ada@example.com", &mail("ada@example.com", "Hello", "0042")).await;
    assert_eq!(get_json(&inbox, "/api/v1/messages").await["messages"][0]["Subject"], "Hello");
    inbox.shutdown().await;
}
