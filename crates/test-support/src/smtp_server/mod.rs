//! A mail server that a test scripts: it behaves well except at the moments the test names.

mod conversation;
mod script;
mod state;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::certificates::Identity;
use crate::listener::Listener;
use crate::wait::soon;

use conversation::{Conversation, Stream};
use state::State;

pub use script::{Act, Login, Moment, Server, Tls, When};
pub use state::Received;

impl Server {
    /// Listens on a free port, with a certificate of its own for `localhost`.
    pub async fn start(self) -> Running {
        let identity = Identity::self_signed("localhost");
        let state = Arc::new(State {
            server: self,
            acceptor: identity.acceptor(),
            received: watch::Sender::default(),
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

async fn serve(state: Arc<State>, stream: TcpStream) {
    let number = state.opened.fetch_add(1, Ordering::SeqCst);
    // An error is a connection that has ended, as each does.
    let _ = converse(&state, stream, number).await;
    state.closed.send_modify(|count| *count += 1);
}

async fn converse(
    state: &State,
    stream: TcpStream,
    number: usize,
) -> Result<(), conversation::Over> {
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
        self.state.received.borrow().clone()
    }

    /// Waits for mails beyond the first `count`, and returns them.
    pub async fn received_after(&self, count: usize) -> Vec<Received> {
        let mut received = self.state.received.subscribe();
        let more = received.wait_for(|received| received.len() > count).await;
        more.expect("the state has the sender")[count..].to_vec()
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
