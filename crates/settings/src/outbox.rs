//! `[outbox]`: the relay from the database to the broker.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use serde::Deserialize;

use crate::{PostgresSettings, RabbitmqSettings, SettingsError, duration};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboxSettings {
    pub batch: NonZeroU32,
    pub batches_in_flight: NonZeroUsize,
    #[serde(deserialize_with = "duration::deserialize")]
    pub poll_interval: Duration,
    #[serde(deserialize_with = "duration::deserialize")]
    pub lease: Duration,
}

impl OutboxSettings {
    /// Within its lease a relay hears of its claim, and then of the confirmation.
    pub(crate) fn check(
        &self,
        postgres: &PostgresSettings,
        rabbitmq: &RabbitmqSettings,
    ) -> Result<(), SettingsError> {
        if self.lease <= postgres.statement_timeout + rabbitmq.confirm_timeout {
            let problem =
                "must exceed postgres.statement_timeout and rabbitmq.confirm_timeout together";
            return Err(SettingsError::invalid("outbox.lease", problem));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Sources;

    #[test]
    fn a_lease_that_ends_before_its_confirmation_is_refused_by_name() {
        for lease in ["5s", "10s"] {
            let error =
                Sources::default().with("outbox.lease", &lease).load().unwrap_err().to_string();
            for name in [
                "(REGISTRATION__OUTBOX__LEASE)",
                "postgres.statement_timeout",
                "rabbitmq.confirm_timeout",
            ] {
                assert!(error.contains(name), "{error}");
            }
        }
        Sources::default().with("outbox.lease", &"10001ms").load().unwrap();
    }
}
