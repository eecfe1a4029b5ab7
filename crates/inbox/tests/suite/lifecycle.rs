//! How an inbox starts and how it stops.

use inbox::{Capacity, Inbox, InboxOptions};
use test_support::{eventually, soon};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Smtp, loopback, mail, send, start};

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let taken = TcpListener::bind(loopback()).await.unwrap();
    let address = taken.local_addr().unwrap();
    let cases = [
        (address, loopback(), "the inbox's SMTP server"),
        (loopback(), address, "the inbox's page"),
    ];
    for (smtp, http, service) in cases {
        let options = InboxOptions {
            smtp,
            http,
            hosts: Vec::new(),
            capacity: Capacity::default(),
            example: None,
        };
        let error = Inbox::start(options).await.unwrap_err().to_string();
        let port = address.port();
        let expected = format!(
            "port {port} is in use, so {service} cannot start: stop what listens on {address} or choose another port"
        );
        assert_eq!(error, expected);
    }
}

#[tokio::test]
async fn an_address_of_another_machine_is_one_clear_sentence() {
    let smtp = ([192, 0, 2, 1], 0).into();
    let options = InboxOptions {
        smtp,
        http: loopback(),
        hosts: Vec::new(),
        capacity: Capacity::default(),
        example: None,
    };
    let error = Inbox::start(options).await.unwrap_err().to_string();
    assert!(error.starts_with("the inbox's SMTP server cannot listen on 192.0.2.1:0: "), "{error}");
}

#[tokio::test]
async fn a_test_can_await_the_mail_it_caused() {
    let inbox = start().await;
    let mailbox = inbox.mailbox().clone();
    let waiting = tokio::spawn(async move {
        mailbox
            .wait_for(|mail| mail.envelope.to == ["ada@example.com"])
            .await
            .overview
            .subject
            .clone()
    });
    send(&inbox, "bob@example.com", &mail("bob@example.com", "For Bob", "0042")).await;
    send(&inbox, "ada@example.com", &mail("ada@example.com", "For Ada", "7963")).await;
    assert_eq!(soon("the mail", waiting).await.unwrap(), "For Ada");
}

#[tokio::test]
async fn a_mail_on_its_way_comes_in_before_the_inbox_stops() {
    let inbox = start().await;
    let mut idle = Smtp::connect(&inbox).await;
    let mut sending = Smtp::connect(&inbox).await;
    sending.announce("ada@example.com").await;
    sending.write(b"Subject: half\r\n").await;
    let mailbox = inbox.mailbox().clone();
    let address = inbox.smtp_address();
    let stopping = tokio::spawn(inbox.shutdown());
    assert!(idle.rest().await.starts_with("421"));
    assert!(sending.command("\r\nhi\r\n.").await.starts_with("250"));
    soon("the end of the inbox", stopping).await.unwrap();
    assert_eq!(mailbox.get("latest").unwrap().overview.subject, "half");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_dropped_inbox_frees_its_ports() {
    let inbox = start().await;
    let addresses = [inbox.smtp_address(), inbox.http_address()];
    drop(inbox);
    for address in addresses {
        eventually("the port to be free", async || TcpStream::connect(address).await.err()).await;
    }
}
