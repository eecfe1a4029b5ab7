//! One SMTP conversation (RFC 5321): commands are passed to the inbox, mails are treated as
//! scripted.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

use super::script::{Delivery, State, Verdict};

type Connection = BufStream<TcpStream>;

/// The line that ends a mail (RFC 5321 section 4.1.1.4).
const END_OF_MAIL: &[u8] = b".\r\n";

/// A mail as its sender sent it, terminating dot included.
struct SentMail {
    recipient: String,
    raw: Vec<u8>,
}

impl SentMail {
    fn delivered_now(&self) -> Delivery {
        let raw = String::from_utf8_lossy(&self.raw).into_owned();
        Delivery { recipient: self.recipient.clone(), raw, at: Instant::now() }
    }
}

/// Talks to a client until one side ends the connection.
pub(super) async fn relay(client: TcpStream, inbox: SocketAddr, state: &State) -> io::Result<()> {
    client.set_nodelay(true)?;
    let server = TcpStream::connect(inbox).await?;
    server.set_nodelay(true)?;
    let (mut client, mut server) = (BufStream::new(client), BufStream::new(server));
    let greeting = read_reply(&mut server).await?;
    write(&mut client, &greeting).await?;
    let mut recipient = String::new();
    loop {
        let command = read_line(&mut client).await?;
        recipient = recipient_of(&command).unwrap_or(recipient);
        if command.trim_ascii().eq_ignore_ascii_case(b"DATA") {
            write(&mut client, b"354 go ahead\r\n").await?;
            let raw = read_mail(&mut client).await?;
            let mail = SentMail { recipient: recipient.clone(), raw };
            settle(&mut client, &mut server, &mail, state).await?;
        } else {
            let reply = ask(&mut server, &command).await?;
            write(&mut client, &reply).await?;
        }
    }
}

/// The address in `RCPT TO:<…>`.
fn recipient_of(command: &[u8]) -> Option<String> {
    let command = String::from_utf8_lossy(command).to_lowercase();
    let (path, _) =
        command.strip_prefix("rcpt to:")?.trim_start().strip_prefix('<')?.split_once('>')?;
    Some(path.to_owned())
}

async fn settle(
    client: &mut Connection,
    server: &mut Connection,
    mail: &SentMail,
    state: &State,
) -> io::Result<()> {
    let verdict = state.script.lock().unwrap().pop_front().unwrap_or(Verdict::Accept);
    let reply = match verdict {
        Verdict::Refuse(reply) => {
            state.refused.lock().unwrap().push(mail.delivered_now());
            ask(server, b"RSET\r\n").await?;
            format!("{reply}\r\n").into_bytes()
        }
        Verdict::Hang | Verdict::Hold => Vec::new(),
        Verdict::AcceptAfter { seconds } => {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            deliver(server, mail, state).await?
        }
        Verdict::Accept | Verdict::AcceptInSilence | Verdict::AcceptAndHangUp => {
            deliver(server, mail, state).await?
        }
    };
    state.attempts.send_modify(|count| *count += 1);
    match verdict {
        Verdict::Hang | Verdict::AcceptInSilence => std::future::pending().await,
        Verdict::Hold => {
            let reply = deliver_when_released(server, mail, state).await?;
            write(client, &reply).await
        }
        Verdict::AcceptAndHangUp => Err(io::ErrorKind::ConnectionAborted.into()),
        Verdict::Accept | Verdict::AcceptAfter { .. } | Verdict::Refuse(_) => {
            write(client, &reply).await
        }
    }
}

async fn deliver_when_released(
    server: &mut Connection,
    mail: &SentMail,
    state: &State,
) -> io::Result<Vec<u8>> {
    // It can be awaited: the state, and with it the sender, is there as long as this connection.
    let _ = state.released.subscribe().wait_for(|released| *released).await;
    deliver(server, mail, state).await
}

/// Hands a mail to the inbox. It is recorded before its last line is sent: whoever sees the mail in
/// the inbox finds its delivery.
async fn deliver(server: &mut Connection, mail: &SentMail, state: &State) -> io::Result<Vec<u8>> {
    let go_ahead = ask(server, b"DATA\r\n").await?;
    assert!(go_ahead.starts_with(b"354"), "{}", String::from_utf8_lossy(&go_ahead));
    let (content, last_line) = mail.raw.split_at(mail.raw.len() - END_OF_MAIL.len());
    server.write_all(content).await?;
    state.deliveries.lock().unwrap().push(mail.delivered_now());
    let reply = ask(server, last_line).await?;
    assert!(reply.starts_with(b"250"), "{}", String::from_utf8_lossy(&reply));
    Ok(reply)
}

async fn ask(server: &mut Connection, command: &[u8]) -> io::Result<Vec<u8>> {
    write(server, command).await?;
    read_reply(server).await
}

async fn write(stream: &mut Connection, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

async fn read_line(stream: &mut Connection) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    match stream.read_until(b'\n', &mut line).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line),
    }
}

/// A reply of one or more lines; the last has no hyphen after its code (RFC 5321 section 4.2.1).
async fn read_reply(stream: &mut Connection) -> io::Result<Vec<u8>> {
    let mut reply = Vec::new();
    loop {
        let line = read_line(stream).await?;
        reply.extend_from_slice(&line);
        if line.get(3) != Some(&b'-') {
            return Ok(reply);
        }
    }
}

/// A mail with its terminating dot.
async fn read_mail(stream: &mut Connection) -> io::Result<Vec<u8>> {
    let mut mail = Vec::new();
    loop {
        let line = read_line(stream).await?;
        mail.extend_from_slice(&line);
        if line == END_OF_MAIL {
            return Ok(mail);
        }
    }
}
