//! Sends each event to the receiver, and judges its answer.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use domain::Event;
use domain::ports::{EventPublisher, PublishError, Source, UserRepository};
use futures::future::join_all;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use spans::{Kind, Span};

use super::client::Receiver;
use super::error::DeliveryError;
use super::health::ReceiverHealth;
use super::options::{WebhookOptions, WebhookOptionsError};
use super::secret::signatures;
use crate::cloud_events;

/// [`EventPublisher`] that sends webhooks.
pub struct WebhookPublisher {
    receiver: Receiver,
    options: WebhookOptions,
    /// Looks up addresses, if the receiver gets them.
    users: Option<Arc<dyn UserRepository>>,
    health: ReceiverHealth,
}

/// What a failed delivery is about.
enum Failure {
    /// The receiver takes nothing for now.
    Down { cause: DeliveryError, retry_after: Option<Duration> },
    /// It does not take this event for now.
    Refused(DeliveryError),
    /// It will never take it.
    Final(DeliveryError),
}

impl WebhookPublisher {
    /// Checks the options; sends nothing yet. With `users`, events carry the user's address.
    pub fn new(
        options: WebhookOptions,
        users: Option<Arc<dyn UserRepository>>,
    ) -> Result<Self, WebhookOptionsError> {
        let receiver = Receiver::new(&options)?;
        Ok(Self { receiver, options, users, health: ReceiverHealth::default() })
    }

    async fn deliver(&self, event: &Event) -> Result<(), PublishError> {
        match self.send(event).await {
            Ok(()) => {
                self.health.record_success();
                Ok(())
            }
            Err(Failure::Final(cause)) => Err(PublishError::Rejected(cause.into())),
            Err(Failure::Refused(cause)) => {
                Err(self.unless_too_old(event, Arc::new(cause), PublishError::Deferred))
            }
            Err(Failure::Down { cause, retry_after }) => {
                let cause = Arc::new(cause);
                self.health.record_failure(cause.clone(), retry_after);
                Err(self.unless_too_old(event, cause, PublishError::Unavailable))
            }
        }
    }

    /// The event's identifier says how old it is, so that nothing has to be remembered.
    fn unless_too_old(
        &self,
        event: &Event,
        cause: Arc<DeliveryError>,
        retry: fn(Source) -> PublishError,
    ) -> PublishError {
        let limit = self.options.give_up_after;
        let age = event.id.happened_at().map(|at| unix_now().saturating_sub(at));
        if age.is_some_and(|age| age >= limit) {
            return PublishError::Rejected(DeliveryError::GivenUp(limit, cause).into());
        }
        retry(cause.into())
    }

    async fn send(&self, event: &Event) -> Result<(), Failure> {
        let body = self.body(event).await.map_err(Failure::Refused)?;
        let span = Span::continue_trace(event.trace, "POST", Kind::Client)
            .with("http.request.method", "POST")
            .with("registration.event.type", event.kind.type_name());
        let (id, timestamp) = (event.id.as_uuid().to_string(), unix_now().as_secs());
        let request = self
            .receiver
            .client
            .post(self.receiver.url.clone())
            .header(CONTENT_TYPE, cloud_events::CONTENT_TYPE)
            .header("webhook-signature", signatures(&self.options.secrets, &id, timestamp, &body))
            .header("webhook-timestamp", timestamp)
            .header("webhook-id", id)
            .header("traceparent", span.trace().unwrap_or(event.trace).to_string())
            .body(body);
        span.run(async { judge(request.send().await) }).await
    }

    async fn body(&self, event: &Event) -> Result<Vec<u8>, DeliveryError> {
        let mut envelope = cloud_events::envelope(event, &self.options.naming);
        if let Some(users) = &self.users
            && let Some(user) =
                users.find(event.kind.user_id()).await.map_err(DeliveryError::Users)?
        {
            envelope["data"]["email"] = user.email().as_str().into();
        }
        Ok(envelope.to_string().into_bytes())
    }
}

fn judge(answer: Result<Response, reqwest::Error>) -> Result<(), Failure> {
    let down = |cause| Failure::Down { cause, retry_after: None };
    let answer = answer.map_err(|error| {
        // Which URL it was is known, and its query may be a secret.
        down(if error.is_timeout() {
            DeliveryError::TimedOut
        } else {
            DeliveryError::Unreachable(error.without_url())
        })
    })?;
    let status = answer.status();
    spans::annotate("http.response.status_code", i64::from(status.as_u16()));
    let cause = DeliveryError::Status(status.as_u16());
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::GONE => Err(Failure::Final(DeliveryError::Gone)),
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            Err(Failure::Down { cause, retry_after: retry_after(&answer) })
        }
        _ => Err(Failure::Refused(cause)),
    }
}

/// In seconds; a date is not understood, and the usual delay applies.
fn retry_after(answer: &Response) -> Option<Duration> {
    let text = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

#[expect(
    clippy::disallowed_methods,
    reason = "receivers compare the time of a request with theirs"
)]
fn unix_now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[async_trait]
impl EventPublisher for WebhookPublisher {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        join_all(events.iter().map(|event| self.deliver(event))).await
    }

    /// What the last delivery has shown. There is no event to try it with.
    async fn ping(&self) -> Result<(), PublishError> {
        match self.health.failure() {
            Some(cause) => Err(PublishError::Unavailable(cause.into())),
            None => Ok(()),
        }
    }

    async fn probe(&self) -> Result<(), PublishError> {
        match self.health.recent_failure() {
            Some(cause) => Err(PublishError::Unavailable(cause.into())),
            None => Ok(()),
        }
    }
}
