//! Runs an inbox on its own: `cargo run -p inbox --example inbox -- [SMTP port] [page port]`.

use std::net::SocketAddr;

use inbox::{Capacity, Inbox, InboxOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut ports = std::env::args().skip(1);
    let mut loopback = |default: u16| -> Result<SocketAddr, std::num::ParseIntError> {
        let port = ports.next().map_or(Ok(default), |port| port.parse())?;
        Ok(([127, 0, 0, 1], port).into())
    };
    let options = InboxOptions {
        smtp: loopback(1025)?,
        http: loopback(8025)?,
        hosts: Vec::new(),
        capacity: Capacity::default(),
        example: Some("curl -d 'Subject: Hello' smtp://localhost:1025".to_owned()),
    };
    let inbox = Inbox::start(options).await?;
    println!("inbox on http://{}, SMTP on {}", inbox.http_address(), inbox.smtp_address());
    tokio::signal::ctrl_c().await?;
    inbox.shutdown().await;
    Ok(())
}
