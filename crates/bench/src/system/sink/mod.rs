//! A mail server that accepts every mail at little cost, on one thread of its own.

mod mails;
mod session;

use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub use mails::Mail;
use mails::Mails;
use tokio::net::TcpListener;

use crate::error::BenchError;

/// The name of its thread, by which its processor time is told.
pub(crate) const THREAD: &str = "sink";

/// The mail server; it runs until this process ends.
#[derive(Debug)]
pub struct Sink {
    /// Where it listens, on the loopback address.
    pub port: u16,
    mails: Arc<Mails>,
}

impl Sink {
    /// Starts it.
    pub fn start() -> Result<Self, BenchError> {
        let failed = "start the mail server";
        let listener = StdListener::bind(("127.0.0.1", 0)).map_err(BenchError::io(failed))?;
        listener.set_nonblocking(true).map_err(BenchError::io(failed))?;
        let port = listener.local_addr().map_err(BenchError::io(failed))?.port();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(BenchError::io(failed))?;
        let mails = Arc::<Mails>::default();
        let sink = Self { port, mails: Arc::clone(&mails) };
        thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || runtime.block_on(listen(listener, mails)))
            .map_err(BenchError::io(failed))?;
        Ok(sink)
    }

    /// Makes it think about each mail for so long before it accepts it.
    pub fn set_delay(&self, delay: Duration) {
        self.mails.set_delay(delay);
    }

    /// The mail to this recipient, once it was accepted.
    pub fn mail(&self, recipient: u64) -> Option<Mail> {
        self.mails.get(recipient)
    }

    /// How many recipients have got a mail.
    pub fn recipients(&self) -> usize {
        self.mails.recipients()
    }

    /// Forgets all mails.
    pub fn clear(&self) {
        self.mails.clear();
    }
}

async fn listen(listener: StdListener, mails: Arc<Mails>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let mails = Arc::clone(&mails);
            // A client that breaks the connection off has no mail to lose: it was not accepted.
            tokio::spawn(async move { session::serve(stream, &mails).await });
        }
    }
}
