//! Opens a connection that is ready for a mail: TCP, TLS, greeting, authentication.

use std::io;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters, TlsParametersBuilder};
use lettre::transport::smtp::extension::ClientId;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;

use super::error::{SmtpError, Step};
use super::options::{SmtpOptions, SmtpOptionsError, SmtpTls};
use super::reply_stream::{EhloFallback, ReplyStream};
use super::session::Session;
use super::{starttls, tls_stream};

pub(super) struct Connector {
    address: (String, u16),
    timeout: Duration,
    tls: SmtpTls,
    tls_parameters: TlsParameters,
    hello: ClientId,
    credentials: Option<Credentials>,
}

impl Connector {
    pub(super) fn new(options: &SmtpOptions) -> Result<Self, SmtpOptionsError> {
        let credentials = options.credentials.as_ref().map(|credentials| {
            Credentials::new(
                credentials.username.clone(),
                credentials.password.expose_secret().to_owned(),
            )
        });
        Ok(Self {
            address: (options.host.clone(), options.port),
            timeout: options.timeout,
            tls: options.tls,
            tls_parameters: build_tls_parameters(options)?,
            hello: ClientId::Domain(options.message_id_domain.clone()),
            credentials,
        })
    }

    pub(super) async fn connect(&self) -> Result<Session, SmtpError> {
        let stream = self.open_stream().await?;
        let offer = stream.offer();
        let greeted = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello);
        let mut connection = greeted.await.map_err(|error| SmtpError::at(Step::Greet, &error))?;
        if let Some(credentials) = &self.credentials {
            let authenticated =
                connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await;
            authenticated.map_err(|error| SmtpError::at(Step::Authenticate, &error))?;
        }
        Ok(Session::new(connection, offer.has_pipelining()))
    }

    /// A stream on which the server greets, encrypted as asked.
    async fn open_stream(&self) -> Result<ReplyStream, SmtpError> {
        let mut stream = self
            .open_tcp()
            .await
            .map_err(|error| SmtpError::Broken { step: Step::Connect, cause: error.to_string() })?;
        let fallback =
            if self.credentials.is_some() { EhloFallback::None } else { EhloFallback::Helo };
        Ok(match self.tls {
            SmtpTls::None => ReplyStream::before_greeting(Box::new(stream), fallback),
            SmtpTls::Implicit => {
                let stream =
                    tls_stream::wrap(stream, self.tls_parameters.clone(), Step::Connect).await?;
                ReplyStream::before_greeting(stream, fallback)
            }
            SmtpTls::StartTls => {
                starttls::request(&mut stream, &self.hello.to_string()).await?;
                let stream =
                    tls_stream::wrap(stream, self.tls_parameters.clone(), Step::StartTls).await?;
                ReplyStream::after_greeting(stream, EhloFallback::None)
            }
        })
    }

    async fn open_tcp(&self) -> io::Result<TcpStream> {
        let (host, port) = &self.address;
        let stream = connect((host, *port), self.timeout).await?;
        // lettre writes a mail and its terminator separately: Nagle's algorithm (RFC 896) would
        // hold the terminator back until the server's delayed acknowledgement, 40 ms per mail.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// Tries the addresses of a host in turn. Each gets an equal share of the time, and so does the
/// conversation that follows: an address that does not answer, such as an IPv6 address behind a
/// firewall, leaves time for the next.
async fn connect(server: (&str, u16), timeout: Duration) -> io::Result<TcpStream> {
    let addresses: Vec<_> = tokio::net::lookup_host(server).await?.collect();
    let share = timeout / u32::try_from(addresses.len() + 1).unwrap_or(u32::MAX);
    let mut outcome = Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address"));
    for address in addresses {
        outcome = tokio::time::timeout(share, TcpStream::connect(address))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// Trusts the authorities of the operating system, or those in `SSL_CERT_FILE`.
fn build_tls_parameters(options: &SmtpOptions) -> Result<TlsParameters, SmtpOptionsError> {
    TlsParametersBuilder::new(options.host.clone())
        .build_rustls()
        .map_err(|error| SmtpOptionsError::Tls(error.to_string()))
}
