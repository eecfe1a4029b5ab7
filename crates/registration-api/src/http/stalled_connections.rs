//! Closes connections on which the next request does not arrive in time.
//!
//! The HTTP library limits how long the head of a connection's first request may take, and how long
//! a connection may be idle afterwards. There is a gap between the two: the first byte of a second
//! request stops the idle timer, and a client that sends nothing more would hold the connection for
//! ever. So each connection is watched from outside, and its socket is shut down when a request is
//! not complete by its deadline.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use tokio::sync::watch;

/// Whether a connection's request is being answered. Dropped with the connection.
struct Activity(watch::Sender<bool>);

/// A request that is being answered, until the last byte of its answer is written.
struct Busy(Option<watch::Sender<bool>>);

impl Busy {
    fn begin(activity: Option<watch::Sender<bool>>) -> Self {
        if let Some(activity) = &activity {
            activity.send_replace(true);
        }
        Self(activity)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(activity) = &self.0 {
            activity.send_replace(false);
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

/// A hook for new connections: shuts down those that have no request in progress for longer than
/// `timeout`.
pub(crate) fn watch_connection(
    timeout: Duration,
) -> impl Fn(&dyn Any, &mut Extensions) + Clone + Send + 'static {
    move |connection, extensions| {
        let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() else { return };
        // A second handle, as the first belongs to the library. If there is none, the connection is
        // served unwatched.
        let Ok(handle) = stream.as_fd().try_clone_to_owned() else { return };
        let (sender, activity) = watch::channel(false);
        extensions.insert(Activity(sender));
        actix_web::rt::spawn(shut_down_when_stalled(handle.into(), activity, timeout));
    }
}

/// Middleware: marks the connection busy from the arrival of a request until its answer is sent.
pub(crate) async fn mark_activity<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let busy = Busy::begin(request.conn_data::<Activity>().map(|activity| activity.0.clone()));
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| BusyBody { body: body.boxed(), _busy: busy }))
}

/// Every change restarts the timer, even one that is already over. A closed channel means that the
/// connection is gone.
async fn shut_down_when_stalled(stream: TcpStream, mut activity: watch::Receiver<bool>, timeout: Duration) {
    loop {
        let is_busy = *activity.borrow_and_update();
        let change = activity.changed();
        let outcome = if is_busy { Ok(change.await) } else { tokio::time::timeout(timeout, change).await };
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                // This fails only if the client has already closed the connection.
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}
