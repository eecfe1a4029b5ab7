//! Carries events from the outbox relay to the worker through RabbitMQ: at least once, whatever
//! crashes.
//!
//! One exchange and its queues (`topology`), declared in the same way by every client; messages are
//! CloudEvents (`envelope`); nothing counts as published until the broker has confirmed it
//! (`confirmed_publishing`). No message ever carries an address, a password or a code.

mod acknowledgements;
mod confirmed_publishing;
mod connection;
mod consumer;
mod dead_letters;
mod diagnosis;
mod events_in_hand;
mod failed_messages;
mod nodes;
mod options;
mod publisher;
mod publishing_health;
mod queues;
mod recent_events;
mod reconnect_delays;
mod settlement;
mod settlements;
mod topology;

/// What OpenTelemetry calls it.
const SYSTEM: &str = "rabbitmq";

pub use consumer::{NotConsuming, RabbitmqConsumer};
pub use dead_letters::RabbitmqDeadLetters;
pub use diagnosis::diagnose;
pub use nodes::NodesError;
pub use options::{RabbitmqOptions, RabbitmqOptionsError};
pub use publisher::RabbitmqPublisher;
pub use queues::{QueuesUnavailable, RabbitmqQueues};
pub use topology::QueueDepths;
