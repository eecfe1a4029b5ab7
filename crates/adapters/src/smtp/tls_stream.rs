//! TLS on a TCP stream of our own.
//!
//! lettre starts TLS only on a stream that it opens itself, which lacks `TCP_NODELAY`, or on what
//! is left of its own plain conversation. So this wraps our TCP stream in its TLS stream, with its
//! verification.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::io::{AsyncRead as _, AsyncWrite as _};
#[expect(deprecated, reason = "an internal type of lettre's, but nothing replaces it")]
use lettre::transport::smtp::client::AsyncNetworkStream;
use lettre::transport::smtp::client::{AsyncTokioStream, TlsParameters};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::error::{SmtpError, Step};

/// Does the handshake, which belongs to `step`.
#[expect(deprecated, reason = "see the import")]
pub(super) async fn wrap(
    stream: TcpStream,
    parameters: TlsParameters,
    step: Step,
) -> Result<Box<dyn AsyncTokioStream>, SmtpError> {
    let mut stream = AsyncNetworkStream::use_existing_tokio1(Box::new(stream));
    stream.upgrade_tls(parameters).await.map_err(|error| SmtpError::at(step, &error))?;
    Ok(Box::new(TlsStream(stream)))
}

/// Implements tokio's traits for lettre's stream, which implements those of `futures`.
#[derive(Debug)]
#[expect(deprecated, reason = "see the import")]
struct TlsStream(AsyncNetworkStream);

impl AsyncTokioStream for TlsStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.0).poll_read(context, buffer.initialize_unfilled()))?;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(context)
    }
}
