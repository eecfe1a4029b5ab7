//! What the API and the worker both measure of what they share: the tables, and the gauges to set.

use metrics::{Gauge, gauge};

use super::metric::Metric;

const CONNECTIONS: &str = "registration_db_client_connection_count";
const CONNECTIONS_PENDING: &str = "registration_db_client_connection_pending_requests";
const CONNECTIONS_MAX: &str = "registration_db_client_connection_max";
const QUEUE_MESSAGES: &str = "registration_queue_messages";

const STATE: &str = "db_client_connection_state";

/// Of a process with a pool of connections to PostgreSQL.
pub const POOL: &[Metric] = &[
    Metric::gauge(CONNECTIONS, "Connections to PostgreSQL in the pool.")
        .by(&[(STATE, &["used", "idle"])]),
    Metric::gauge(CONNECTIONS_PENDING, "Operations that wait for a connection to PostgreSQL."),
    Metric::gauge(CONNECTIONS_MAX, "How many connections to PostgreSQL the pool may have."),
];

/// The gauges of [`POOL`]: connections in use and idle, operations that wait, the most connections.
pub fn pool_gauges() -> [Gauge; 4] {
    [
        gauge!(CONNECTIONS, STATE => "used"),
        gauge!(CONNECTIONS, STATE => "idle"),
        gauge!(CONNECTIONS_PENDING),
        gauge!(CONNECTIONS_MAX),
    ]
}

/// Of a process that is connected to RabbitMQ.
pub const QUEUES: &[Metric] = &[Metric::gauge(
    QUEUE_MESSAGES,
    "Messages in RabbitMQ that no worker has been given: events for the workers, events that wait \
     to be tried again, dead letters.",
)
.by(&[("queue", &["work", "retry", "dead"])])];

/// The gauges of [`QUEUES`]: events for the workers, retries, dead letters.
pub fn queue_gauges() -> [Gauge; 3] {
    ["work", "retry", "dead"].map(|queue| gauge!(QUEUE_MESSAGES, "queue" => queue))
}
