//! Why an event was not delivered.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::RepositoryError;

/// Why the receiver has not taken an event.
#[derive(Debug, thiserror::Error)]
pub(super) enum DeliveryError {
    #[error("the receiver of the webhook cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the receiver of the webhook did not answer in time")]
    TimedOut,
    #[error("the receiver of the webhook answered {0}")]
    Status(u16),
    #[error("the receiver of the webhook answered 410, which asks for no more of them")]
    Gone,
    #[error("the address of the user cannot be read")]
    Users(#[source] RepositoryError),
    #[error("the event is given up after {0:?}")]
    GivenUp(Duration, #[source] Arc<DeliveryError>),
}
