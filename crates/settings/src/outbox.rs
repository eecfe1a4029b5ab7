//! `[outbox]`: the relay from the database to the broker.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use serde::Deserialize;

use crate::{RabbitmqSettings, SettingsError, duration};

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
    pub(crate) fn check(&self, rabbitmq: &RabbitmqSettings) -> Result<(), SettingsError> {
        if self.lease <= rabbitmq.confirm_timeout {
            return Err(SettingsError::invalid("outbox.lease", "must exceed rabbitmq.confirm_timeout"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Sources;

    #[test]
    fn a_lease_that_ends_before_its_confirmation_is_refused_by_name() {
        let error = Sources::default().with("outbox.lease", &"5s").load().unwrap_err();
        assert!(error.to_string().contains("outbox.lease (REGISTRATION__OUTBOX__LEASE)"), "{error}");
    }
}
