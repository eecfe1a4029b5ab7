//! A mail server that a test scripts: it behaves well except at the moments the test names.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapters::smtp::{SmtpMailer, SmtpOptions, SmtpTls};
use domain::EmailAddress;
use domain::ports::Mail;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::conversation::{Conversation, Stream};

/// A verb, or CONNECT (the greeting), MID-DATA (each line of content), CONTENT (the end of it).
pub(crate) type Moment<'a> = &'a str;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Normal,
    Reply(String),
    /// The usual reply, late.
    ReplyAfter(Duration),
    ReplyAndDrop(String),
    Drop,
    Hang,
}

/// Which moment it is: the connection's number and how many mails came over it, both from 0.
pub(crate) struct When<'a> {
    pub(crate) moment: Moment<'a>,
    pub(crate) connection: usize,
    pub(crate) mails: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    None,
    Start,
    Implicit,
}

pub(crate) struct Login {
    pub(crate) mechanism: &'static str,
    pub(crate) username: &'static str,
    pub(crate) password: &'static str,
}

/// A mail that the server has accepted.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) content: String,
    pub(crate) connection: usize,
    pub(crate) encrypted: bool,
    pub(crate) authenticated: bool,
}

type Script = Box<dyn Fn(When<'_>) -> Act + Send + Sync>;

pub(crate) struct Server {
    script: Script,
    pub(crate) tls: Tls,
    pub(crate) login: Option<Login>,
    /// After which silence the server hangs up.
    pub(crate) idle_limit: Option<Duration>,
    received: Mutex<Vec<Received>>,
    heard: Mutex<Vec<String>>,
    opened: AtomicUsize,
    closed: watch::Sender<usize>,
    hung: watch::Sender<usize>,
}

/// A server at its address.
pub(crate) struct Running {
    pub(crate) server: Arc<Server>,
    pub(crate) address: SocketAddr,
    pub(crate) certificate: String,
}

impl Server {
    /// A server that behaves except as `script` says.
    pub(crate) fn new(script: impl Fn(When<'_>) -> Act + Send + Sync + 'static) -> Self {
        Self {
            script: Box::new(script),
            tls: Tls::None,
            login: None,
            idle_limit: None,
            received: Mutex::default(),
            heard: Mutex::default(),
            opened: AtomicUsize::new(0),
            closed: watch::Sender::new(0),
            hung: watch::Sender::new(0),
        }
    }

    pub(crate) fn well_behaved() -> Self {
        Self::new(|_| Act::Normal)
    }

    pub(crate) fn tls(self, tls: Tls) -> Self {
        Self { tls, ..self }
    }

    pub(crate) fn login(self, login: Login) -> Self {
        Self { login: Some(login), ..self }
    }

    pub(crate) fn idle_limit(self, limit: Duration) -> Self {
        Self { idle_limit: Some(limit), ..self }
    }

    pub(crate) async fn start(self) -> Running {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".into()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Arc::new(self);
        tokio::spawn(accept(server.clone(), listener, acceptor));
        Running { server, address, certificate: cert.pem() }
    }

    pub(crate) fn act(&self, moment: Moment<'_>, connection: usize, mails: usize) -> Act {
        (self.script)(When { moment, connection, mails })
    }

    /// Whether the script refuses at this moment.
    pub(crate) fn refuses(&self, moment: Moment<'_>, connection: usize, mails: usize) -> bool {
        !matches!(self.act(moment, connection, mails), Act::Normal | Act::ReplyAfter(_))
    }

    pub(crate) fn heard(&self, verb: &str) {
        self.heard.lock().unwrap().push(verb.to_owned());
    }

    pub(crate) fn accepted(&self, mail: Received) {
        self.received.lock().unwrap().push(mail);
    }

    pub(crate) fn hung(&self) {
        self.hung.send_modify(|count| *count += 1);
    }
}

async fn accept(server: Arc<Server>, listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        let number = server.opened.fetch_add(1, Ordering::SeqCst);
        let (server, acceptor) = (server.clone(), acceptor.clone());
        tokio::spawn(async move {
            serve(&server, stream, number, acceptor).await;
            server.closed.send_modify(|count| *count += 1);
        });
    }
}

async fn serve(server: &Server, stream: TcpStream, number: usize, acceptor: TlsAcceptor) {
    // As servers do; the client's side is what the tests look at.
    stream.set_nodelay(true).unwrap();
    let mut stream: Box<dyn Stream> = Box::new(stream);
    if server.tls != Tls::Implicit {
        match Conversation::new(server, stream, number, false).run().await {
            Ok(plain) => stream = plain,
            Err(_) => return,
        }
    }
    if let Ok(encrypted) = acceptor.accept(stream).await {
        let _ = Conversation::new(server, Box::new(encrypted), number, true).run().await;
    }
}

impl Running {
    pub(crate) fn options(&self) -> SmtpOptions {
        let tls = match self.server.tls {
            Tls::None => SmtpTls::None,
            Tls::Start => SmtpTls::StartTls,
            Tls::Implicit => SmtpTls::Implicit,
        };
        options_for("localhost", self.address.port(), tls)
    }

    pub(crate) fn mailer(&self) -> SmtpMailer {
        SmtpMailer::new(&self.options()).unwrap()
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.server.received.lock().unwrap().clone()
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.server.heard.lock().unwrap().clone()
    }

    /// How many connections have been opened.
    pub(crate) fn opened(&self) -> usize {
        self.server.opened.load(Ordering::SeqCst)
    }

    /// Waits until so many connections are closed.
    pub(crate) async fn await_closed(&self, count: usize) {
        let mut closed = self.server.closed.subscribe();
        let reached = closed.wait_for(|closed| *closed >= count);
        tokio::time::timeout(Duration::from_secs(10), reached).await.expect("it is closed in time").unwrap();
    }

    /// How often the server has hung.
    pub(crate) fn hangs(&self) -> usize {
        *self.server.hung.borrow()
    }
}

pub(crate) fn options_for(host: &str, port: u16, tls: SmtpTls) -> SmtpOptions {
    SmtpOptions {
        host: host.into(),
        port,
        tls,
        credentials: None,
        from_name: "Signup".into(),
        from_address: "signup@sender.example".into(),
        message_id_domain: "sender.example".into(),
        timeout: Duration::from_secs(10),
        acceptance_timeout: Duration::from_secs(10),
        connections: 4,
        idle_time: Duration::from_mins(1),
    }
}

pub(crate) fn mail(number: u32) -> Mail {
    Mail {
        message_id: format!("019767c5-9a00-7000-8000-00000000002a.{number}"),
        to: EmailAddress::parse("ada@recipient.example").unwrap(),
        subject: format!("Mail {number}"),
        text: "Your code is 4711.\n".into(),
        html: "<p>Your code is <b>4711</b>.</p>\n".into(),
    }
}
