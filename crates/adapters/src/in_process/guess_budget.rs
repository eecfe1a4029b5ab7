//! The guesses per address in memory, one instant per guess. Must never forget a guess that still
//! counts: when the budget is full of addresses, it returns an error for further ones instead.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use domain::EmailAddress;
use domain::ports::{Guess, GuessAllowance, GuessBudget, GuessBudgetError};
use tokio::time::Instant;

use super::clock::after;
use super::expiring_map::{DEFAULT_CAPACITY, ExpiringMap, lock};
use super::key_digest::{KeyDigest, digest};

/// A [`GuessBudget`] for one process.
pub struct InProcessGuessBudget {
    guesses: Mutex<ExpiringMap<KeyDigest, Log>>,
}

/// When guesses were allowed, oldest first; at most as many as the allowance.
type Log = VecDeque<Instant>;

impl InProcessGuessBudget {
    /// A budget for 100,000 addresses that guess within one period.
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }

    /// A budget for at most `addresses` addresses that guess within one period. A guess for a
    /// further address is an error until the guesses of another have stopped counting.
    pub fn with_capacity(addresses: usize) -> Self {
        Self { guesses: Mutex::new(ExpiringMap::new(addresses)) }
    }
}

impl Default for InProcessGuessBudget {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl GuessBudget for InProcessGuessBudget {
    async fn spend_guess(
        &self,
        address: &EmailAddress,
        allowance: GuessAllowance,
    ) -> Result<Guess, GuessBudgetError> {
        let key = digest(&address.lookup_key());
        let mut guesses = lock(&self.guesses);
        let now = Instant::now();
        guesses.sweep(now);
        let mut log = guesses.remove(&key).unwrap_or_default();
        let guess = spend(&mut log, now, allowance);
        let counts_until = log.back().map_or(now, |newest| after(*newest, allowance.period));
        guesses.insert(key, log, counts_until, |_| false).map_err(|full| GuessBudgetError(full.into()))?;
        Ok(guess)
    }
}

/// Allows a guess unless the last `allowance.guesses` guesses all lie within the period.
fn spend(log: &mut Log, now: Instant, allowance: GuessAllowance) -> Guess {
    let allowed = usize::try_from(allowance.guesses.max(1)).unwrap_or(usize::MAX);
    if let Some(decisive) = log.len().checked_sub(allowed).map(|index| log[index]) {
        let counts_until = after(decisive, allowance.period);
        if counts_until > now {
            return Guess::Refused { retry_after: counts_until - now };
        }
    }
    log.push_back(now);
    log.drain(..log.len().saturating_sub(allowed));
    Guess::Allowed
}
