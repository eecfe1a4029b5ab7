//! A mail server that a test scripts: it behaves well except at the moments the test names.

mod conversation;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::certificates::Identity;
use crate::listener::Listener;
use crate::wait::soon;

use conversation::{Conversation, Stream};

/// A verb, or CONNECT (the greeting), MID-DATA (each line of content), CONTENT (the end of it).
pub type Moment<'a> = &'a str;

/// What the server does at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The usual reply.
    Normal,
    /// Another reply; it may have several lines.
    Reply(String),
    /// The usual reply, late.
    ReplyAfter(Duration),
    /// Another reply, after which the connection ends.
    ReplyAndDrop(String),
    /// The connection ends.
    Drop,
    /// The client waits in vain.
    Hang,
}

/// Which moment it is: the connection's number and how many mails came over it, both from 0.
pub struct When<'a> {
    /// What the client has just done.
    pub moment: Moment<'a>,
    /// The number of the connection.
    pub connection: usize,
    /// How many mails came over the connection before.
    pub mails: usize,
}

/// How a conversation is encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    None,
    /// From STARTTLS on.
    Start,
    /// From the first byte on.
    Implicit,
}

/// Who may send mail.
pub struct Login {
    /// What AUTH is announced with.
    pub mechanism: &'static str,
    /// The name that is expected.
    pub username: &'static str,
    /// The password that is expected.
    pub password: &'static str,
}

/// A mail that the server has accepted.
#[derive(Clone)]
pub struct Received {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Header and body, without dot-stuffing.
    pub content: String,
    /// The number of the connection that it came over.
    pub connection: usize,
    /// Whether it came over TLS.
    pub encrypted: bool,
    /// Whether the sender had logged in.
    pub authenticated: bool,
}

type Script = Box<dyn Fn(When<'_>) -> Act + Send + Sync>;

/// A server that is not running yet.
#[must_use]
pub struct Server {
    script: Script,
    tls: Tls,
    login: Option<Login>,
    idle_limit: Option<Duration>,
}

impl Server {
    /// A server that behaves except as `script` says.
    pub fn new(script: impl Fn(When<'_>) -> Act + Send + Sync + 'static) -> Self {
        Self { script: Box::new(script), tls: Tls::None, login: None, idle_limit: None }
    }

    /// A server that accepts everything.
    pub fn well_behaved() -> Self {
        Self::new(|_| Act::Normal)
    }

    /// Encrypts conversations.
    pub fn tls(self, tls: Tls) -> Self {
        Self { tls, ..self }
    }

    /// Accepts no mail without a login.
    pub fn login(self, login: Login) -> Self {
        Self { login: Some(login), ..self }
    }

    /// Hangs up on a client that is silent for so long.
    pub fn idle_limit(self, limit: Duration) -> Self {
        Self { idle_limit: Some(limit), ..self }
    }

    /// Listens on a free port, with a certificate of its own for `localhost`.
    pub async fn start(self) -> Running {
        let identity = Identity::self_signed("localhost");
        let state = Arc::new(State {
            server: self,
            acceptor: identity.acceptor(),
            received: Mutex::default(),
            heard: Mutex::default(),
            opened: AtomicUsize::new(0),
            closed: watch::Sender::new(0),
            hangs: AtomicUsize::new(0),
        });
        let serving = state.clone();
        let listener = Listener::serve(move |stream| serve(serving.clone(), stream)).await;
        Running { listener, state, certificate: identity.certificate_pem() }
    }
}

/// The script of a running server and its memory.
struct State {
    server: Server,
    acceptor: TlsAcceptor,
    received: Mutex<Vec<Received>>,
    heard: Mutex<Vec<String>>,
    opened: AtomicUsize,
    closed: watch::Sender<usize>,
    hangs: AtomicUsize,
}

async fn serve(state: Arc<State>, stream: TcpStream) {
    let number = state.opened.fetch_add(1, Ordering::SeqCst);
    // An error is a connection that has ended, as each does.
    let _ = converse(&state, stream, number).await;
    state.closed.send_modify(|count| *count += 1);
}

async fn converse(state: &State, stream: TcpStream, number: usize) -> Result<(), conversation::Over> {
    // As servers do; the client's side is what the tests look at.
    stream.set_nodelay(true)?;
    let mut stream: Box<dyn Stream> = Box::new(stream);
    if state.server.tls != Tls::Implicit {
        stream = Conversation::new(state, stream, number, false).run().await?;
    }
    let encrypted = Box::new(state.acceptor.accept(stream).await?);
    Conversation::new(state, encrypted, number, true).run().await.map(drop)
}

/// A server at its address. It ends when it is dropped.
pub struct Running {
    listener: Listener,
    state: Arc<State>,
    certificate: String,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The port on which it listens.
    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// Its certificate, which it has signed itself (PEM).
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// How it encrypts conversations.
    pub fn tls(&self) -> Tls {
        self.state.server.tls
    }

    /// The mails that it has accepted, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// The verbs of all commands, over all connections.
    pub fn heard(&self) -> Vec<String> {
        self.state.heard.lock().unwrap().clone()
    }

    /// How many connections have been opened.
    pub fn opened(&self) -> usize {
        self.state.opened.load(Ordering::SeqCst)
    }

    /// Waits until so many connections are closed.
    pub async fn wait_for_closed(&self, count: usize) {
        let mut closed = self.state.closed.subscribe();
        soon("connections to close", closed.wait_for(|closed| *closed >= count)).await.unwrap();
    }

    /// How often the server has hung.
    pub fn hangs(&self) -> usize {
        self.state.hangs.load(Ordering::SeqCst)
    }
}
