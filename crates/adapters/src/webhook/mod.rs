//! The product's webhook: events as HTTP requests, signed after the Standard Webhooks specification.
//!
//! An event counts as delivered once the receiver has answered 2xx in time. Redirects are not
//! followed and proxies not asked, so that the address that is checked is the one that is reached.

mod client;
mod diagnosis;
mod error;
mod health;
mod options;
mod publisher;
mod secret;

pub use diagnosis::diagnose;
pub use options::{WebhookOptions, WebhookOptionsError};
pub use publisher::WebhookPublisher;
pub use secret::{WebhookSecret, WebhookSecretError};
