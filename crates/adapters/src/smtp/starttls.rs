//! STARTTLS (RFC 3207), without reading ahead of TLS.
//!
//! lettre reads replies through a buffer that it keeps when the conversation becomes encrypted.
//! Bytes that an attacker on the network appended to the server's last plain reply would then be
//! trusted as if they were encrypted (as in CVE-2011-0411): whole replies, up to the acceptance of
//! a mail that no server has seen. So the plain part of the conversation is held here, one byte at
//! a time: nothing of it gets any further, and anything appended to the last reply breaks the
//! handshake.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::error::{SmtpError, Step};
use super::reply::{Reply, ReplyReader};

/// Greets the server and asks for TLS. What follows is the handshake.
pub(super) async fn request(stream: &mut TcpStream, client_name: &str) -> Result<(), SmtpError> {
    expect(Step::Greet, read_reply(stream).await, 220)?;
    let extensions = ask(stream, &format!("EHLO {client_name}\r\n")).await;
    let extensions = expect(Step::Greet, extensions, 250)?;
    if !extensions.keywords().any(|keyword| keyword.eq_ignore_ascii_case("STARTTLS")) {
        let cause = "the server does not offer it".to_owned();
        return Err(SmtpError::Broken { step: Step::StartTls, cause });
    }
    expect(Step::StartTls, ask(stream, "STARTTLS\r\n").await, 220).map(drop)
}

async fn ask(stream: &mut TcpStream, command: &str) -> io::Result<Reply> {
    stream.write_all(command.as_bytes()).await?;
    read_reply(stream).await
}

async fn read_reply(stream: &mut TcpStream) -> io::Result<Reply> {
    let mut reader = ReplyReader::default();
    loop {
        let byte = stream.read_u8().await?;
        if let Some(reply) =
            reader.push(byte).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?
        {
            return Ok(reply);
        }
    }
}

fn expect(step: Step, reply: io::Result<Reply>, code: u16) -> Result<Reply, SmtpError> {
    match reply {
        Ok(reply) if reply.code == code => Ok(reply),
        Ok(reply) => Err(SmtpError::refused(step, reply.code, reply.summary())),
        Err(error) => Err(SmtpError::Broken { step, cause: error.to_string() }),
    }
}
