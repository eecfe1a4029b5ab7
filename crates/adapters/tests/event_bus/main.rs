//! The event bus: one contract for both implementations, and what RabbitMQ must stand besides.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod contract;
#[path = "../dead_letters/mod.rs"]
mod dead_letters;
mod handler;
mod in_process;
mod rabbitmq;
mod rabbitmq_connection;
mod rabbitmq_consumer;
mod rabbitmq_dead_letters;
mod rabbitmq_diagnosis;
mod rabbitmq_node;
mod rabbitmq_publisher;
mod rabbitmq_queues;
mod rabbitmq_supervision;
