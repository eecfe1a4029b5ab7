//! Where webhooks go, and how.

use std::time::Duration;

use super::secret::WebhookSecret;
use crate::cloud_events::EventNaming;
use crate::http_addresses::RefusedAddress;

/// Where webhooks go, and how.
#[derive(Debug, Clone)]
pub struct WebhookOptions {
    /// The receiver: `https`, or `http` within a private network.
    pub url: String,
    /// Each signs every request. More than one while a secret is being changed.
    pub secrets: Vec<WebhookSecret>,
    /// How long one request may take, from looking up the host to the head of the answer.
    pub timeout: Duration,
    /// An event that is older than this when its delivery fails is not retried.
    pub give_up_after: Duration,
    /// Whether the receiver may be in a private network or on this host.
    pub allow_private_addresses: bool,
    /// What the events are called.
    pub naming: EventNaming,
}

/// Why a webhook cannot be sent as it is set up.
#[derive(Debug, thiserror::Error)]
pub enum WebhookOptionsError {
    /// Not a URL, or of another scheme.
    #[error("it is not a URL like https://product.example/hooks/registration")]
    Url,
    /// The URL has a user or a password, which no header carries.
    #[error("it must not contain a user or a password: requests are signed instead")]
    Credentials,
    /// Plain HTTP outside a private network.
    #[error("it must begin with https://, or webhooks.allow_private_addresses must be true")]
    Insecure,
    /// The host is an address that is not connected to.
    #[error("{0}")]
    Address(#[from] RefusedAddress),
    /// TLS could not be set up.
    #[error("the client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}
