//! The settings of RabbitMQ, and which values are refused at the start.

use std::time::Duration;

use lapin::uri::AMQPUri;
use secrecy::{ExposeSecret, SecretString};

use super::nodes::{self, NodesError};

/// How to reach RabbitMQ and how events travel through it.
#[derive(Clone, Debug)]
pub struct RabbitmqOptions {
    /// `amqp://user:password@host:5672/%2f`, or `amqps://…` for TLS with a verified certificate.
    /// The path is the virtual host; without a path it is `/`. Of several nodes of a cluster,
    /// `host1:port1,host2:port2`, any that answers is used.
    pub url: SecretString,
    /// The topic exchange; the names of all queues start with its name.
    pub exchange: String,
    /// How long an event waits after its first, second, … failure; the last one repeats.
    pub retry_delays: Vec<Duration>,
    /// How many events one consumer handles at once.
    pub prefetch: u16,
    /// How long connecting may take; each of several nodes gets an equal share of it.
    pub connect_timeout: Duration,
    /// How long the broker may take to confirm a message, or to answer any other request.
    pub confirm_timeout: Duration,
    /// The wait before the first attempt to reconnect; it doubles with each failure.
    pub reconnect_min: Duration,
    /// The longest wait between two attempts to reconnect.
    pub reconnect_max: Duration,
}

/// Why options are refused. The texts never contain the URL, which may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RabbitmqOptionsError {
    /// The URL names no nodes.
    #[error(transparent)]
    Url(#[from] NodesError),
    /// AMQP names have at most 255 bytes, and the queues' names extend the exchange's.
    #[error("the name of the exchange must have 1 to 200 bytes and not start with \"amq.\"")]
    Exchange,
    /// Without a delay, a failing event would be retried in a tight loop.
    #[error("at least one retry delay is needed, each between 1 ms and 24 days")]
    RetryDelays,
    /// RabbitMQ reads 0 as "no limit".
    #[error("prefetch must be at least 1")]
    Prefetch,
}

impl RabbitmqOptions {
    /// Refuses what cannot work, and reads the URL: where each node is, at least one.
    pub(super) fn validate(&self) -> Result<Vec<AMQPUri>, RabbitmqOptionsError> {
        if !(1..=200).contains(&self.exchange.len()) || self.exchange.starts_with("amq.") {
            return Err(RabbitmqOptionsError::Exchange);
        }
        let allowed = Duration::from_millis(1)..=Duration::from_hours(24 * 24);
        if self.retry_delays.is_empty()
            || !self.retry_delays.iter().all(|delay| allowed.contains(delay))
        {
            return Err(RabbitmqOptionsError::RetryDelays);
        }
        if self.prefetch == 0 {
            return Err(RabbitmqOptionsError::Prefetch);
        }
        Ok(nodes::parse(self.url.expose_secret())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(change: impl FnOnce(&mut RabbitmqOptions)) -> RabbitmqOptions {
        let mut options = RabbitmqOptions {
            url: "amqp://user:secret@localhost:5672/%2f".into(),
            exchange: "registration".into(),
            retry_delays: vec![Duration::from_secs(1)],
            prefetch: 1,
            connect_timeout: Duration::from_secs(1),
            confirm_timeout: Duration::from_secs(1),
            reconnect_min: Duration::from_millis(1),
            reconnect_max: Duration::from_secs(1),
        };
        change(&mut options);
        options
    }

    #[test]
    fn what_cannot_work_is_refused() {
        use RabbitmqOptionsError::{Exchange, Prefetch, RetryDelays, Url};
        assert!(options(|_| ()).validate().is_ok());
        for (refused, error) in [
            (options(|o| o.url = "http://localhost".into()), Url(NodesError::Url)),
            (options(|o| o.url = "amqp://a,,b".into()), Url(NodesError::Host(2))),
            (options(|o| o.exchange = String::new()), Exchange),
            (options(|o| o.exchange = "amq.topic".into()), Exchange),
            (options(|o| o.exchange = "x".repeat(201)), Exchange),
            (options(|o| o.retry_delays.clear()), RetryDelays),
            (options(|o| o.retry_delays = vec![Duration::ZERO]), RetryDelays),
            (options(|o| o.prefetch = 0), Prefetch),
        ] {
            assert_eq!(refused.validate().unwrap_err(), error);
        }
    }

    #[test]
    fn asvs_13_3_1_the_password_is_not_shown() {
        let refused = options(|o| o.url = "amqq://user:secret@localhost".into());
        assert!(!refused.validate().unwrap_err().to_string().contains("secret"));
        assert!(!format!("{refused:?}").contains("secret"));
    }
}
