//! The event bus: one contract for both implementations, and what RabbitMQ must stand besides.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "event_bus/contract.rs"]
mod contract;
#[path = "event_bus/envelope.rs"]
mod envelope;
#[path = "event_bus/handler.rs"]
mod handler;
#[path = "event_bus/in_process.rs"]
mod in_process;
#[path = "event_bus/proxy.rs"]
mod proxy;
#[path = "event_bus/rabbitmq.rs"]
mod rabbitmq;
#[path = "event_bus/rabbitmq_connection.rs"]
mod rabbitmq_connection;
#[path = "event_bus/rabbitmq_consumer.rs"]
mod rabbitmq_consumer;
#[path = "event_bus/rabbitmq_dead_letters.rs"]
mod rabbitmq_dead_letters;
#[path = "event_bus/rabbitmq_publisher.rs"]
mod rabbitmq_publisher;
