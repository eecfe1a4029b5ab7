//! The socket of a connection, with limits that the HTTP library does not have.
//!
//! The library limits how long the head of a connection's first request may take, and how long a
//! connection may be idle afterwards. There is a gap between the two: the first byte of a second
//! request stops the idle timer, and a client that sends nothing more would hold the connection for
//! ever. And each connection may send a head of 128 KiB without ever completing it. So the socket
//! itself reports its end to the library when a request is not complete by its deadline, or when
//! unanswered requests take too much memory over all connections.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use crate::metrics::HTTP_CONNECTIONS_CUT;

/// How much is read at once, and how much of a request every connection may have sent however
/// little memory is left.
const CHUNK: usize = 4 * 1024;

/// What unanswered requests take, over all connections.
pub(crate) struct RequestMemory {
    used: AtomicUsize,
    limit: usize,
}

impl RequestMemory {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), limit })
    }

    fn is_exhausted(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.limit
    }
}

/// What a connection and its requests know of each other.
pub(crate) struct Activity {
    requests_in_progress: Cell<usize>,
    /// When the last request was answered, or else when the connection was opened.
    idle_since: Cell<Instant>,
    unanswered_bytes: Cell<usize>,
    memory: Arc<RequestMemory>,
}

impl Activity {
    fn take_in(&self, bytes: usize) {
        self.unanswered_bytes.set(self.unanswered_bytes.get() + bytes);
        self.memory.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self) {
        self.memory.used.fetch_sub(self.unanswered_bytes.take(), Ordering::Relaxed);
    }

    fn is_too_large(&self) -> bool {
        self.unanswered_bytes.get() >= CHUNK && self.memory.is_exhausted()
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// A socket that ends when its client is too slow or takes too much memory.
pub(crate) struct Connection {
    stream: TcpStream,
    activity: Rc<Activity>,
    idle_timeout: Duration,
    deadline: Pin<Box<Sleep>>,
}

impl Connection {
    /// Ends when no request is in progress for longer than `idle_timeout`.
    pub(crate) fn new(
        stream: TcpStream,
        idle_timeout: Duration,
        memory: Arc<RequestMemory>,
    ) -> Self {
        let activity = Rc::new(Activity {
            requests_in_progress: Cell::new(0),
            idle_since: Cell::new(Instant::now()),
            unanswered_bytes: Cell::new(0),
            memory,
        });
        let deadline = Box::pin(tokio::time::sleep(idle_timeout));
        Self { stream, activity, idle_timeout, deadline }
    }

    /// What its requests are given.
    pub(crate) fn activity(&self) -> Rc<Activity> {
        self.activity.clone()
    }

    /// Waits for the deadline while no request is in progress.
    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.activity.requests_in_progress.get() > 0 {
            // The end of the answer leads to another read.
            return Poll::Pending;
        }
        let deadline = self.activity.idle_since.get() + self.idle_timeout;
        if self.deadline.deadline() != deadline {
            self.deadline.as_mut().reset(deadline);
        }
        self.deadline.as_mut().poll(context)
    }
}

/// Reports the end of the stream, as if the client had closed it.
fn cut(reason: &'static str) -> Poll<io::Result<()>> {
    metrics::counter!(HTTP_CONNECTIONS_CUT, "reason" => reason).increment(1);
    Poll::Ready(Ok(()))
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.activity.is_too_large() {
            return cut("memory");
        }
        let mut chunk = [0; CHUNK];
        let mut chunk = ReadBuf::new(&mut chunk[..CHUNK.min(buffer.remaining())]);
        if Pin::new(&mut this.stream).poll_read(context, &mut chunk)?.is_pending() {
            ready!(this.poll_stalled(context));
            return cut("time");
        }
        this.activity.take_in(chunk.filled().len());
        buffer.put_slice(chunk.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A request that is being answered, until the last byte of its answer is written.
struct Busy(Option<Rc<Activity>>);

impl Busy {
    fn begin(activity: Option<Rc<Activity>>) -> Self {
        if let Some(activity) = &activity {
            activity.requests_in_progress.set(activity.requests_in_progress.get() + 1);
        }
        Self(activity)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(activity) = &self.0 {
            activity.requests_in_progress.set(activity.requests_in_progress.get() - 1);
            activity.idle_since.set(Instant::now());
            activity.give_back();
        }
    }
}

/// A body that keeps its connection busy while it is sent: a slow reader is not a stalled client.
struct BusyBody {
    body: BoxBody,
    _busy: Busy,
}

impl MessageBody for BusyBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

/// Middleware: marks the connection busy from the arrival of a request until its answer is sent.
pub(crate) async fn mark_activity<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let busy = Busy::begin(request.conn_data::<Rc<Activity>>().cloned());
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| BusyBody { body: body.boxed(), _busy: busy }))
}
