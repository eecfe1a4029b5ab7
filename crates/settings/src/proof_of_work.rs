//! `[proof_of_work]`: what a registration costs a client.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

use crate::{SettingsError, duration};

/// A solution is found by trying: nobody waits for more.
const GREATEST_DIFFICULTY: u32 = 100_000_000;

/// Less, and a slow device could not solve it in time.
const SHORTEST_EXPIRY: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofOfWorkSettings {
    pub enabled: bool,
    pub difficulty: NonZeroU32,
    #[serde(deserialize_with = "duration::deserialize")]
    pub expiry: Duration,
}

impl ProofOfWorkSettings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if self.difficulty.get() > GREATEST_DIFFICULTY {
            let problem = format!("must be at most {GREATEST_DIFFICULTY}");
            return Err(SettingsError::invalid("proof_of_work.difficulty", problem));
        }
        if self.expiry < SHORTEST_EXPIRY {
            return Err(SettingsError::invalid("proof_of_work.expiry", "must be at least 30s"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Sources;

    #[test]
    fn a_puzzle_that_nobody_could_solve_is_refused() {
        for (key, value) in
            [("proof_of_work.difficulty", "100000001"), ("proof_of_work.expiry", "29s")]
        {
            let error = Sources::default().with(key, &value).load().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
