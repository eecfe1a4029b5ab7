//! What the conversations with one server share.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::script::Server;

/// A mail that the server has accepted.
#[derive(Debug, Clone)]
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
    /// When it was accepted.
    pub at: Instant,
    /// Whether the server replies that it has accepted it.
    pub is_told: bool,
}

/// The script of a running server and its memory.
pub(super) struct State {
    pub(super) server: Server,
    pub(super) acceptor: TlsAcceptor,
    pub(super) received: watch::Sender<Vec<Received>>,
    pub(super) heard: Mutex<Vec<String>>,
    pub(super) opened: AtomicUsize,
    pub(super) closed: watch::Sender<usize>,
    pub(super) hangs: AtomicUsize,
}
