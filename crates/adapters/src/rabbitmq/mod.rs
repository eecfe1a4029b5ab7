//! RabbitMQ as the way of events from the outbox relay to the worker: at least once, whatever dies.
//!
//! One exchange and its queues (`topology`), declared alike by everybody who connects; messages are
//! CloudEvents (`envelope`); nothing counts as handed over before the broker has confirmed it
//! (`confirmed_publishing`). No message ever carries an address, a password or a code.

mod confirmed_publishing;
mod connection;
mod consumer;
mod dead_letters;
mod envelope;
mod failed_messages;
mod options;
mod publisher;
mod recent_events;
mod reconnect_delays;
mod settlement;
mod topology;

pub use consumer::{NotConsuming, RabbitmqConsumer};
pub use dead_letters::RabbitmqDeadLetters;
pub use envelope::{CONTENT_TYPE, EnvelopeError, decode, encode};
pub use options::{RabbitmqOptions, RabbitmqOptionsError};
pub use publisher::RabbitmqPublisher;
