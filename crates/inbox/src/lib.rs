//! An inbox for development and tests: accepts every mail over SMTP, shows it on a web page as it
//! arrives, and serves Mailpit's JSON API. Keeps everything in memory, within limits. It has no
//! passwords, so it belongs on the loopback interface; send it nothing but test mail.
#![warn(clippy::print_stdout, clippy::print_stderr)] // They panic where nobody reads: see process::output.

mod http;
mod mail;
mod mailbox;
mod search;
mod smtp;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use supervisor::supervise;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use mail::{Address, Content, Envelope, File, Mail, Overview};
pub use mailbox::{Capacity, Change, Entry, Mailbox, Selection, Totals};

/// The largest mail that is accepted, in bytes.
const MAX_MAIL_BYTES: usize = 1024 * 1024;

/// Where an inbox listens and what it keeps.
#[derive(Debug, Clone)]
pub struct InboxOptions {
    /// Where SMTP listens; port 0 picks a free one.
    pub smtp: SocketAddr,
    /// Where the page and the API listen; port 0 picks a free one.
    pub http: SocketAddr,
    /// Names under which the page can be opened, besides `localhost` and IP addresses.
    pub hosts: Vec<String>,
    /// How much mail is kept.
    pub capacity: Capacity,
    /// A command that makes a mail arrive, which the page shows while the inbox is empty.
    pub example: Option<String>,
}

/// Why an inbox cannot start.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// Something else is listening there.
    #[error("port {} is in use, so {service} cannot start: stop what listens on {address} or choose another port", .address.port())]
    PortInUse {
        /// What should have listened there.
        service: &'static str,
        /// Where.
        address: SocketAddr,
    },
    /// Any other reason.
    #[error("{service} cannot listen on {address}: {source}")]
    Listen {
        /// What should have listened there.
        service: &'static str,
        /// Where.
        address: SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
}

/// A running inbox. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Inbox {
    mailbox: Arc<Mailbox>,
    smtp_address: SocketAddr,
    http_address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
}

impl Inbox {
    /// Starts listening. Needs a tokio runtime, which serves SMTP; the page runs on a thread of its
    /// own.
    pub async fn start(options: InboxOptions) -> Result<Self, InboxError> {
        let smtp = listen(options.smtp, "the inbox's SMTP server").await?;
        let http = listen(options.http, "the inbox's page").await?;
        let (smtp, smtp_address) = smtp;
        let (http, http_address) = http;
        let mailbox = Arc::new(Mailbox::new(options.capacity));
        let (stop, stopping) = watch::channel(false);
        let receiver = Arc::new(smtp::Receiver {
            listener: smtp,
            mailbox: mailbox.clone(),
            max_size: MAX_MAIL_BYTES.min(options.capacity.bytes),
            stop: stopping.clone(),
        });
        let site = Arc::new(http::Site {
            listener: http.into_std().map_err(|source| InboxError::Listen {
                service: "the inbox's page",
                address: http_address,
                source,
            })?,
            mailbox: mailbox.clone(),
            page: http::Page { smtp: smtp_address, example: options.example },
            hosts: http::Hosts::new(&options.hosts),
            stopping,
        });
        let tasks = [
            supervise("inbox-smtp", move || smtp::receive(receiver.clone())),
            supervise("inbox-page", move || http::serve(site.clone())),
        ];
        Ok(Self { mailbox, smtp_address, http_address, stop, tasks })
    }

    /// Where SMTP listens.
    pub fn smtp_address(&self) -> SocketAddr {
        self.smtp_address
    }

    /// Where the page and the API listen.
    pub fn http_address(&self) -> SocketAddr {
        self.http_address
    }

    /// The mails.
    pub fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    /// Stops listening, finishes receiving mails in progress, and closes every connection.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(event = "inbox.stop_failed", %error, "the inbox did not stop cleanly");
            }
        }
    }
}

async fn listen(
    address: SocketAddr,
    service: &'static str,
) -> Result<(TcpListener, SocketAddr), InboxError> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    bound.await.map_err(|source: std::io::Error| match source.kind() {
        ErrorKind::AddrInUse => InboxError::PortInUse { service, address },
        _ => InboxError::Listen { service, address, source },
    })
}
