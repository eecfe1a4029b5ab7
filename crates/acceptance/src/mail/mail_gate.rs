//! A mail server whose moods the test decides, in front of the inbox: what it accepts, the inbox gets.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::port::Port;
use crate::wait::PATIENCE;

type Connection = BufStream<TcpStream>;

/// What happens to a mail after its last line (RFC 5321 section 4.1.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The inbox gets it, the sender is told so.
    Accept,
    /// The same, after so long a time.
    AcceptAfter {
        /// How long the sender waits for its reply.
        seconds: u64,
    },
    /// The sender gets this reply, the inbox nothing.
    Refuse(&'static str),
    /// The sender waits for a reply in vain, the inbox gets nothing.
    Hang,
    /// The sender waits until the test lets the mail through.
    Hold,
    /// The inbox gets it, but the sender waits in vain to be told.
    AcceptInSilence,
    /// The inbox gets it, but the connection ends before the sender is told.
    AcceptAndHangUp,
}

/// A mail that the inbox got, or that was refused.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Who it is for, as the envelope says (RFC 5321 section 2.3.1), in lower case.
    pub recipient: String,
    /// Header and body as they came over SMTP.
    pub raw: String,
    /// When the inbox had it.
    pub at: Instant,
}

impl Delivery {
    fn now(mail: &SentMail) -> Self {
        let raw = String::from_utf8_lossy(&mail.raw).into_owned();
        Self { recipient: mail.recipient.clone(), raw, at: Instant::now() }
    }
}

/// The server's moods and memory.
struct State {
    script: Mutex<VecDeque<Verdict>>,
    attempts: watch::Sender<usize>,
    released: watch::Sender<bool>,
    deliveries: Mutex<Vec<Delivery>>,
    refused: Mutex<Vec<Delivery>>,
}

/// An SMTP server that relays to the inbox, as scripted.
pub struct MailGate {
    port: Port,
    state: Arc<State>,
}

impl MailGate {
    /// Stands in front of the inbox that speaks SMTP at `inbox`.
    pub async fn before(inbox: SocketAddr) -> Self {
        let state = Arc::new(State {
            script: Mutex::default(),
            attempts: watch::channel(0).0,
            released: watch::channel(false).0,
            deliveries: Mutex::default(),
            refused: Mutex::default(),
        });
        let shared = state.clone();
        let port = Port::serve(move |client| {
            let state = shared.clone();
            // An error is a connection that one side broke off, as it may.
            async move { drop(converse(client, inbox, &state).await) }
        })
        .await;
        Self { port, state }
    }

    /// Where it speaks SMTP.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The server is gone.
    pub async fn cut(&self) {
        self.port.cut().await;
    }

    /// The server is back.
    pub async fn restore(&self) {
        self.port.restore().await;
    }

    /// Decides what happens to the next mails, in turn; those after them are accepted.
    pub fn script(&self, verdicts: &[Verdict]) {
        self.state.script.lock().unwrap().extend(verdicts);
    }

    /// Lets the mails through that were held; from now on none is.
    pub fn release(&self) {
        self.state.released.send_replace(true);
    }

    /// Waits until `count` mails have been sent in full since the start, whatever became of them.
    pub async fn attempts(&self, count: usize) {
        let mut attempts = self.state.attempts.subscribe();
        let reached = tokio::time::timeout(PATIENCE, attempts.wait_for(|now| *now >= count)).await;
        assert!(reached.is_ok(), "{} of {count} mails were sent", *self.state.attempts.borrow());
    }

    /// What the inbox got for an address, oldest first.
    pub fn deliveries(&self, address: &str) -> Vec<Delivery> {
        mails_to(address, &self.state.deliveries)
    }

    /// What was refused of the mails to an address, oldest first.
    pub fn refused(&self, address: &str) -> Vec<Delivery> {
        mails_to(address, &self.state.refused)
    }
}

fn mails_to(address: &str, mails: &Mutex<Vec<Delivery>>) -> Vec<Delivery> {
    let recipient = address.to_lowercase();
    mails.lock().unwrap().iter().filter(|mail| mail.recipient == recipient).cloned().collect()
}

/// A mail as its sender sent it, terminating dot included.
struct SentMail {
    recipient: String,
    raw: Vec<u8>,
}

async fn converse(client: TcpStream, inbox: SocketAddr, state: &State) -> io::Result<()> {
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
    let (path, _) = command.strip_prefix("rcpt to:")?.trim_start().strip_prefix('<')?.split_once('>')?;
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
            state.refused.lock().unwrap().push(Delivery::now(mail));
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
        Verdict::Accept | Verdict::AcceptAfter { .. } | Verdict::Refuse(_) => write(client, &reply).await,
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

async fn deliver(server: &mut Connection, mail: &SentMail, state: &State) -> io::Result<Vec<u8>> {
    let go_ahead = ask(server, b"DATA\r\n").await?;
    assert!(go_ahead.starts_with(b"354"), "{}", String::from_utf8_lossy(&go_ahead));
    let reply = ask(server, &mail.raw).await?;
    state.deliveries.lock().unwrap().push(Delivery::now(mail));
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
        if line == b".\r\n" {
            return Ok(mail);
        }
    }
}
