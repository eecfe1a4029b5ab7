//! `[hashing]`: Argon2id.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

use crate::duration;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashingSettings {
    pub memory_kib: NonZeroU32,
    pub iterations: NonZeroU32,
    pub threads: usize,
    pub queue: usize,
    #[serde(deserialize_with = "duration::deserialize")]
    pub deadline: Duration,
}

#[cfg(feature = "argon2id")]
impl HashingSettings {
    /// The pool that hashes passwords, with its threads started; `observe` is told how long each
    /// hash took.
    pub fn start_pool(
        &self,
        observe: impl Fn(Duration) + Clone + Send + 'static,
    ) -> Result<adapters::argon2id::HashPool, crate::SettingsError> {
        let options = adapters::argon2id::Argon2idOptions {
            memory_kib: self.memory_kib.get(),
            iterations: self.iterations.get(),
            threads: if self.threads == 0 { crate::default_threads() } else { self.threads },
            queue: self.queue,
            deadline: self.deadline,
        };
        adapters::argon2id::HashPool::start_observed(&options, observe)
            .map_err(|error| crate::SettingsError::refused("hashing", &error))
    }
}
