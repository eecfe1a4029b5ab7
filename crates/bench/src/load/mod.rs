//! The load generator: HTTP/1.1 on kept connections, on one thread of its own.

mod answer;
mod connection;
mod generator;
mod request;

pub use answer::{Answer, Answers};
pub use connection::Connection;
pub use generator::{Kind, Load, Pace, Running};
pub use request::{new_client, new_user};
