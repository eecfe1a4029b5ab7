//! The options of the relay.

use std::time::Duration;

/// How the relay works.
#[derive(Debug, Clone, Copy)]
pub struct RelayOptions {
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
