//! A mail server that misbehaves.

use std::time::Duration;

use test_support::unique_name;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::effect::Effect;
use crate::schedule::MailFault;
use crate::sink::PROBES;
use crate::system::System;

/// How long the conversation may take that shows the fault: longer than it takes a server that
/// hangs to be asked.
const CONVERSATION: Duration = Duration::from_millis(500);

impl System {
    pub(super) async fn misbehave(&self, fault: MailFault) -> Effect {
        let before = self.sink.shown();
        self.sink.behave(Some(fault));
        // An error is what a server that misbehaves answers.
        let _ = timeout(CONVERSATION, send_probe(self.sink.port())).await;
        match self.sink.shown() - before {
            0 => Err("the mail server behaved well".to_owned()),
            _ => Ok("the mail server did so to a probe".to_owned()),
        }
    }
}

/// Sends a mail as far as the server lets it (RFC 5321 section 4.1.1).
async fn send_probe(port: u16) -> std::io::Result<()> {
    let mut stream = BufStream::new(TcpStream::connect(("127.0.0.1", port)).await?);
    let recipient = format!("RCPT TO:<{}@{PROBES}>", unique_name());
    for command in
        ["", "EHLO probe", "MAIL FROM:<probe@localhost>", &recipient, "DATA", "Subject: probe\r\n."]
    {
        if !command.is_empty() {
            stream.write_all(format!("{command}\r\n").as_bytes()).await?;
            stream.flush().await?;
        }
        let mut line = String::new();
        // The last line of a reply has no hyphen after its code.
        while line.as_bytes().get(3) != Some(&b' ') {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
        }
    }
    Ok(())
}
