//! Server-sent events (WHATWG HTML section 9.2): tell a page at once what has changed, so that it
//! need not poll. `arrived` carries the new mail as the list shows it; `altered` means that the
//! list must be reloaded.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use futures::Stream;
use futures::stream::unfold;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::timeout;

use super::api::Summary;
use super::route::get;
use crate::mailbox::{Change, Entry, Mailbox};

/// Changes when the inbox shuts down, so that endless responses end.
#[derive(Clone)]
pub(super) struct Stopping(pub(super) watch::Receiver<bool>);

/// How long a stream may be silent before it sends a heartbeat: proxies close silent ones after a
/// minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Sent first: how long a browser waits before it reconnects, in milliseconds.
const RETRY: &str = "retry: 1000\n\n";

pub(super) fn add_routes(config: &mut web::ServiceConfig) {
    config.route("/events", get().to(send_events));
}

async fn send_events(
    method: Method,
    mailbox: web::Data<Mailbox>,
    stopping: web::Data<Stopping>,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.content_type("text/event-stream");
    if method == Method::HEAD {
        // The server would wait for the stream to end, though it sends none of it.
        return response.finish();
    }
    response.streaming(stream_changes(mailbox.subscribe(), stopping.0.clone()))
}

fn stream_changes(
    changes: Receiver<Change>,
    stopping: watch::Receiver<bool>,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    unfold((Some(RETRY), changes, stopping), |(first, mut changes, mut stopping)| async move {
        let text = if let Some(text) = first {
            text.to_owned()
        } else {
            tokio::select! {
                text = next_event(&mut changes) => text?,
                _ = stopping.changed() => return None,
            }
        };
        Some((Ok(Bytes::from(text)), (None, changes, stopping)))
    })
}

/// The next change, or a comment that keeps the connection alive; none when the inbox is gone.
async fn next_event(changes: &mut Receiver<Change>) -> Option<String> {
    match timeout(HEARTBEAT, changes.recv()).await {
        Err(_silence) => Some(":\n\n".to_owned()),
        Ok(Ok(Change::Arrived(mail))) => {
            let entry = Entry { mail, read: false };
            let json = serde_json::to_string(&Summary::from(&entry)).ok()?;
            Some(format!("event: arrived\ndata: {json}\n\n"))
        }
        Ok(Ok(Change::Altered) | Err(RecvError::Lagged(_))) => {
            Some("event: altered\ndata: {}\n\n".to_owned())
        }
        Ok(Err(RecvError::Closed)) => None,
    }
}
