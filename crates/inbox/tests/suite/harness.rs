//! An inbox of a test's own on free ports, and an SMTP client that sends exactly what a test says.

use std::net::SocketAddr;

use inbox::{Capacity, Inbox, InboxOptions};
use serde_json::Value;
use test_support::{install_crypto_provider, soon};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

pub(crate) fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

pub(crate) async fn start() -> Inbox {
    start_with(Capacity::default()).await
}

pub(crate) async fn start_with(capacity: Capacity) -> Inbox {
    let options = InboxOptions {
        smtp: loopback(),
        http: loopback(),
        hosts: Vec::new(),
        capacity,
        example: None,
    };
    Inbox::start(options).await.unwrap()
}

pub(crate) struct Smtp(BufReader<TcpStream>);

impl Smtp {
    /// Connects and says hello.
    pub(crate) async fn connect(inbox: &Inbox) -> Self {
        let mut smtp = Self::connect_silently(inbox).await;
        assert!(smtp.reply().await.starts_with("220 "));
        assert!(smtp.command("EHLO test.example").await.starts_with("250"));
        smtp
    }

    pub(crate) async fn connect_silently(inbox: &Inbox) -> Self {
        Self(BufReader::new(TcpStream::connect(inbox.smtp_address()).await.unwrap()))
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
    }

    /// One reply, all its lines; empty when the server has closed the connection.
    pub(crate) async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            let read = soon("a reply", self.0.read_line(&mut reply)).await.unwrap_or(0);
            if read == 0 || reply.as_bytes().get(start + 3) != Some(&b'-') {
                return reply;
            }
        }
    }

    pub(crate) async fn command(&mut self, line: &str) -> String {
        self.write(format!("{line}\r\n").as_bytes()).await;
        self.reply().await
    }

    /// Everything until the server closes the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // A connection that was reset has ended too.
        let _ = soon("the end of the connection", self.0.read_to_end(&mut rest)).await;
        String::from_utf8(rest).unwrap()
    }

    /// Announces a mail up to DATA.
    pub(crate) async fn announce(&mut self, to: &str) {
        assert!(self.command("MAIL FROM:<sender@example.com>").await.starts_with("250"));
        assert!(self.command(&format!("RCPT TO:<{to}>")).await.starts_with("250"));
        assert!(self.command("DATA").await.starts_with("354"));
    }

    /// Sends a mail whose lines need no dot-stuffing.
    pub(crate) async fn send(&mut self, to: &str, mail: &str) -> String {
        self.announce(to).await;
        self.write(mail.replace('\n', "\r\n").as_bytes()).await;
        self.command("\r\n.").await
    }
}

/// Sends one mail over a connection of its own and returns its identifier.
pub(crate) async fn send(inbox: &Inbox, to: &str, mail: &str) -> String {
    let reply = Smtp::connect(inbox).await.send(to, mail).await;
    reply.trim().strip_prefix("250 accepted as ").unwrap().to_owned()
}

/// A mail as a verification code has it: text and HTML.
pub(crate) fn mail(to: &str, subject: &str, code: &str) -> String {
    format!(
        "From: Acme <no-reply@acme.example>\nTo: Ada <{to}>\nSubject: {subject}\n\
         Message-ID: <{code}.1@acme.example>\nX-Folded: one\n two\nMIME-Version: 1.0\n\
         Content-Type: multipart/alternative; boundary=b\n\n\
         --b\nContent-Type: text/plain; charset=utf-8\n\nYour code:\n\n{code}\n\
         --b\nContent-Type: text/html; charset=utf-8\n\n<p>Your code: <b>{code}</b></p>\n--b--\n"
    )
}

pub(crate) fn url(inbox: &Inbox, path: &str) -> String {
    format!("http://{}{path}", inbox.http_address())
}

pub(crate) async fn get(inbox: &Inbox, path: &str) -> reqwest::Response {
    soon("an answer", http_client().get(url(inbox, path)).send()).await.unwrap()
}

pub(crate) async fn get_json(inbox: &Inbox, path: &str) -> Value {
    let response = get(inbox, path).await;
    assert_eq!(response.status(), 200, "{path}");
    response.json().await.unwrap()
}

/// A client. A workspace build gives reqwest TLS without a provider, which it wants to know even
/// for HTTP.
pub(crate) fn http_client() -> reqwest::Client {
    install_crypto_provider();
    reqwest::Client::new()
}
