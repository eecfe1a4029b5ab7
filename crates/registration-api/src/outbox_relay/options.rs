//! The options of the relay.

use std::time::Duration;

use crate::metrics::{
    OUTBOX_BURIED, OUTBOX_DEFERRED, OUTBOX_PUBLISHED, WEBHOOKS_BURIED, WEBHOOKS_DEFERRED,
    WEBHOOKS_DELIVERED,
};

/// Where a relay delivers to, for the log and the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// The worker, by way of the broker if there is one.
    Bus,
    /// The product's webhook.
    Webhook,
}

impl Destination {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bus => "bus",
            Self::Webhook => "webhook",
        }
    }

    /// What counts deliveries.
    pub(super) fn delivered(self) -> &'static str {
        match self {
            Self::Bus => OUTBOX_PUBLISHED,
            Self::Webhook => WEBHOOKS_DELIVERED,
        }
    }

    /// What counts failures that are retried.
    pub(super) fn deferred(self) -> &'static str {
        match self {
            Self::Bus => OUTBOX_DEFERRED,
            Self::Webhook => WEBHOOKS_DEFERRED,
        }
    }

    /// What counts events that are set aside.
    pub(super) fn buried(self) -> &'static str {
        match self {
            Self::Bus => OUTBOX_BURIED,
            Self::Webhook => WEBHOOKS_BURIED,
        }
    }
}

/// How the relay works.
#[derive(Debug, Clone, Copy)]
pub struct RelayOptions {
    /// Where it delivers to.
    pub destination: Destination,
    /// How many events are claimed at once.
    pub batch_size: u32,
    /// How many batches may be in flight, so that one slow delivery does not hold up the rest.
    pub batches_in_flight: usize,
    /// How long claimed events are kept from other relays, from before the claim is sent. A
    /// publisher that takes longer times out.
    pub lease: Duration,
    /// How often the relay looks in the outbox for events that were not handed over to it.
    pub poll_interval: Duration,
    /// How long an event waits after its first failed delivery; each further failure doubles it.
    pub first_retry: Duration,
    /// The longest wait between two deliveries of an event, or between two attempts to reach the
    /// outbox.
    pub max_retry: Duration,
    /// How long deliveries may take to finish at shutdown.
    pub drain_timeout: Duration,
}
