//! The event bus: one contract for both implementations, and what RabbitMQ must stand besides.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod contract;
mod envelope;
mod handler;
mod in_process;
mod proxy;
mod rabbitmq;
mod rabbitmq_connection;
mod rabbitmq_consumer;
mod rabbitmq_dead_letters;
mod rabbitmq_publisher;
