//! Hands lettre the server's replies in a form that it can read.
//!
//! lettre reads UTF-8 only, expects text after each code, knows EHLO keywords in capitals only and
//! few of the prompts of AUTH LOGIN, and has no HELO. So this stream reads the replies itself, and
//! says the same in canonical lines of ASCII. It notices the commands that need more than that, and
//! what the server offers that lettre does not know.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::reply::{Reply, ReplyReader};

/// The prompts that lettre knows: "Username:", then "Password:". Whatever a server calls them, AUTH
/// LOGIN asks for the name first.
const LOGIN_PROMPTS: [&str; 2] = ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"];

/// What may follow if EHLO is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EhloFallback {
    /// HELO (RFC 5321 section 3.2).
    Helo,
    /// Nothing: TLS and a login need EHLO.
    None,
}

/// What the reply to EHLO offers that lettre does not know.
#[derive(Debug, Clone, Default)]
pub(super) struct Offer {
    pipelining: Arc<AtomicBool>,
}

/// What the next reply answers.
#[derive(Debug)]
enum Asked {
    Ehlo {
        client_name: Vec<u8>,
    },
    /// With the number of prompts so far.
    AuthLogin(usize),
    Other,
}

#[derive(Debug)]
pub(super) struct ReplyStream {
    stream: Box<dyn AsyncTokioStream>,
    fallback: EhloFallback,
    offer: Offer,
    asked: Asked,
    /// The last reply was handed on, so that what is written next is a command.
    is_answered: bool,
    reader: ReplyReader,
    /// Bytes from the server that are not read yet.
    received: Vec<u8>,
    /// Canonical bytes for lettre.
    canonical: Vec<u8>,
    /// What this stream itself says to the server.
    command: Vec<u8>,
}

impl ReplyStream {
    /// A stream on which the server is about to greet.
    pub(super) fn before_greeting(
        stream: Box<dyn AsyncTokioStream>,
        fallback: EhloFallback,
    ) -> Self {
        Self {
            stream,
            fallback,
            offer: Offer::default(),
            asked: Asked::Other,
            is_answered: false,
            reader: ReplyReader::default(),
            received: Vec::new(),
            canonical: Vec::new(),
            command: Vec::new(),
        }
    }

    /// A stream on which the server has already greeted: lettre, which waits for that, is told so.
    pub(super) fn after_greeting(
        stream: Box<dyn AsyncTokioStream>,
        fallback: EhloFallback,
    ) -> Self {
        let mut greeted = Self::before_greeting(stream, fallback);
        greeted.hand_on("220 ready\r\n");
        greeted
    }

    /// What the server offers, once it has answered EHLO.
    pub(super) fn offer(&self) -> Offer {
        self.offer.clone()
    }

    fn hand_on(&mut self, canonical: &str) {
        self.canonical.extend_from_slice(canonical.as_bytes());
        self.is_answered = true;
    }

    /// The next reply, if it has been received as a whole.
    fn next_reply(&mut self) -> io::Result<Option<Reply>> {
        for (index, byte) in self.received.iter().enumerate() {
            let reply = self
                .reader
                .push(*byte)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if reply.is_some() {
                self.received.drain(..=index);
                return Ok(reply);
            }
        }
        self.received.clear();
        Ok(None)
    }

    fn answer(&mut self, reply: &Reply) {
        match (&self.asked, reply.code) {
            (Asked::Ehlo { client_name }, 500 | 502) if self.fallback == EhloFallback::Helo => {
                self.command = [b"HELO ", &**client_name, b"\r\n"].concat();
                self.asked = Asked::Other;
            }
            (Asked::Ehlo { .. }, 200..300) => {
                self.offer.learn(reply);
                self.hand_on(&extensions(reply));
            }
            (Asked::AuthLogin(prompts), 334) if *prompts < LOGIN_PROMPTS.len() => {
                let (prompt, prompts) = (LOGIN_PROMPTS[*prompts], prompts + 1);
                self.asked = Asked::AuthLogin(prompts);
                self.hand_on(&format!("334 {prompt}\r\n"));
            }
            _ => {
                self.asked = Asked::Other;
                self.hand_on(&format!("{} {}\r\n", reply.code, reply.summary()));
            }
        }
    }

    fn poll_say(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = Pin::new(&mut self.stream);
        let written = ready!(stream.poll_write(context, &self.command))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.command.drain(..written);
        Poll::Ready(Ok(()))
    }

    /// Receives more bytes; `false` at the end of the stream.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut chunk = [0; 1024];
        let mut chunk = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut chunk))?;
        self.received.extend_from_slice(chunk.filled());
        Poll::Ready(Ok(!chunk.filled().is_empty()))
    }
}

impl Offer {
    /// Whether several commands may be sent at once (PIPELINING, RFC 2920).
    pub(super) fn has_pipelining(&self) -> bool {
        self.pipelining.load(Ordering::Relaxed)
    }

    fn learn(&self, reply: &Reply) {
        let mut keywords = reply.keywords();
        let has_pipelining = keywords.any(|keyword| keyword.eq_ignore_ascii_case("PIPELINING"));
        self.pipelining.store(has_pipelining, Ordering::Relaxed);
    }
}

/// The reply to EHLO. The first line is the server's name, which must not be taken for a keyword.
fn extensions(reply: &Reply) -> String {
    let code = reply.code;
    let line = |text: &str| format!("{code}-{}\r\n", text.to_ascii_uppercase());
    let mut lines = vec![format!("{code}-SERVER\r\n")];
    lines.extend(reply.keywords().map(line));
    // A last line of its own, which has a space after its code.
    lines.push(format!("{code} END\r\n"));
    lines.concat()
}

fn recognise(command: &[u8]) -> Asked {
    if let Some(client_name) = command.strip_prefix(b"EHLO ") {
        Asked::Ehlo { client_name: client_name.trim_ascii().to_owned() }
    } else if command.starts_with(b"AUTH LOGIN") {
        Asked::AuthLogin(0)
    } else {
        Asked::Other
    }
}

impl AsyncTokioStream for ReplyStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for ReplyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.canonical.is_empty() {
            if !self.command.is_empty() {
                ready!(self.poll_say(context))?;
                continue;
            }
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            if let Some(reply) = self.next_reply()? {
                self.answer(&reply);
            } else if !ready!(self.poll_receive(context))? {
                return Poll::Ready(Ok(()));
            }
        }
        let length = self.canonical.len().min(buffer.remaining());
        buffer.put_slice(&self.canonical[..length]);
        self.canonical.drain(..length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ReplyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // What follows a prompt is no command.
        if std::mem::take(&mut self.is_answered) && !matches!(self.asked, Asked::AuthLogin(_)) {
            self.asked = recognise(bytes);
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
