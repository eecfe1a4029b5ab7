//! Ends connections on which the next request does not come in time.
//!
//! The HTTP library bounds how long the head of a connection's first request may take, and how long a connection
//! may be silent afterwards. Between the two lies a gap: the first byte of a second request stops the clock, and
//! whoever sends nothing more would hold the connection for ever. So each connection is watched from outside:
//! a request that has not come in full by its deadline finds the socket shut down.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use tokio::sync::watch;

/// Whether a connection's request is being handled. Dropped with the connection.
struct Activity(watch::Sender<bool>);

/// A hook for new connections: shuts those down that have no request in hand for longer than `patience`.
pub(crate) fn watch_connection(
    patience: Duration,
) -> impl Fn(&dyn Any, &mut Extensions) + Clone + Send + 'static {
    move |connection, extensions| {
        let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() else { return };
        // A second handle: the first one belongs to the library. Without it the connection is served unwatched.
        let Ok(handle) = stream.as_fd().try_clone_to_owned() else { return };
        let (sender, activity) = watch::channel(false);
        extensions.insert(Activity(sender));
        actix_web::rt::spawn(shut_down_when_stalled(handle.into(), activity, patience));
    }
}

/// Middleware: tells the watch that a request has come, and when it is answered.
pub(crate) async fn mark_activity<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let activity = request.conn_data::<Activity>().map(|activity| activity.0.clone());
    if let Some(activity) = &activity {
        activity.send_replace(true);
    }
    let result = next.call(request).await;
    if let Some(activity) = &activity {
        activity.send_replace(false);
    }
    result
}

/// Any news restarts the clock, also of a request that is over before this hears of it. No news ever again means
/// that the connection is gone.
async fn shut_down_when_stalled(stream: TcpStream, mut activity: watch::Receiver<bool>, patience: Duration) {
    loop {
        let is_busy = *activity.borrow_and_update();
        let news = activity.changed();
        let heard = if is_busy { Ok(news.await) } else { tokio::time::timeout(patience, news).await };
        match heard {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                // It fails only where the client has gone by itself.
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}
