//! Everything that a system has stored, as text to be searched, and what tests change in it.

mod files;
mod postgres;
mod rabbitmq;
mod redis;
mod registrations;
mod sqlite;

pub use files::data_files;
pub use postgres::{postgres, postgres_tables};
pub use rabbitmq::{Tap, exchange_of, publish, remove_queue, replace_queue};
pub use redis::redis_entries;
pub use registrations::age_registration;
pub use sqlite::{add_ballast, count_rows, is_sound};
