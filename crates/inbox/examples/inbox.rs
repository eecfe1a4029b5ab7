//! Runs an inbox on its own: `cargo run -p inbox --example inbox -- [SMTP address] [page address]`.

use std::net::{AddrParseError, SocketAddr};

use inbox::{Capacity, Inbox, InboxOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut addresses = std::env::args().skip(1);
    let mut address_or = |default: &str| -> Result<SocketAddr, AddrParseError> {
        addresses.next().as_deref().unwrap_or(default).parse()
    };
    let options = InboxOptions {
        smtp: address_or("127.0.0.1:1025")?,
        http: address_or("127.0.0.1:8025")?,
        hosts: Vec::new(),
        // As many as compose.yaml has Mailpit keep, which this stands in for.
        capacity: Capacity { mails: 5_000, bytes: 64 * 1024 * 1024 },
        example: Some("curl -d 'Subject: Hello' smtp://localhost:1025".to_owned()),
    };
    let inbox = Inbox::start(options).await?;
    println!("inbox on http://{}, SMTP on {}", inbox.http_address(), inbox.smtp_address());
    tokio::signal::ctrl_c().await?;
    inbox.shutdown().await;
    Ok(())
}
