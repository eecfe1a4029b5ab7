//! The implementations of `domain::ports`, one module per technology, each behind its own feature
//! so that a binary builds only what it uses. No adapter knows another.
#![warn(clippy::print_stdout, clippy::print_stderr)] // They panic where nobody reads: see process::output.

#[cfg(feature = "argon2id")]
pub mod argon2id;
#[cfg(feature = "cloud_events")]
pub mod cloud_events;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod database_span;
#[cfg(any(feature = "postgres", feature = "rabbitmq", feature = "redis", feature = "smtp"))]
mod diagnosis;
#[cfg(any(feature = "in_process", feature = "rabbitmq"))]
mod event_spans;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub mod hand_over;
#[cfg(feature = "hibp")]
pub mod hibp;
#[cfg(any(feature = "http_hook", feature = "webhook"))]
mod http_addresses;
#[cfg(feature = "http_hook")]
pub mod http_hook;
#[cfg(feature = "in_process")]
pub mod in_process;
#[cfg(feature = "otlp")]
pub mod otlp;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "rabbitmq")]
pub mod rabbitmq;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "smtp")]
pub mod smtp;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql_buried_events;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql_outbox_table;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql_rows;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod system_ids;
#[cfg(feature = "webhook")]
pub mod webhook;
