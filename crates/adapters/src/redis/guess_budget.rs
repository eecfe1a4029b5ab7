//! The guesses per address in Redis: a list of the instants at which guesses were allowed, never
//! longer than the allowance.

use std::time::Duration;

use async_trait::async_trait;
use domain::EmailAddress;
use domain::ports::{Guess, GuessAllowance, GuessBudget, GuessBudgetError};
use redis::Script;

use super::connection::Connection;
use super::script_arguments::{hex_digest, micros};

/// A [`GuessBudget`] that every replica shares.
pub struct RedisGuessBudget {
    connection: Connection,
    prefix: String,
    spend_guess: Script,
}

impl RedisGuessBudget {
    /// A budget whose keys are `<prefix>:guesses:<digest of the address>`.
    pub fn new(connection: Connection, prefix: &str) -> Self {
        Self {
            connection,
            prefix: format!("{prefix}:guesses:"),
            spend_guess: Script::new(include_str!("spend_guess.lua")),
        }
    }
}

#[async_trait]
impl GuessBudget for RedisGuessBudget {
    async fn spend_guess(
        &self,
        address: &EmailAddress,
        allowance: GuessAllowance,
    ) -> Result<Guess, GuessBudgetError> {
        let mut script =
            self.spend_guess.key(format!("{}{}", self.prefix, hex_digest(&address.lookup_key())));
        script.arg(allowance.guesses.max(1)).arg(micros(allowance.period));
        let (allowed, wait): (bool, u64) =
            self.connection.invoke(&script).await.map_err(|error| GuessBudgetError(error.into()))?;
        Ok(if allowed { Guess::Allowed } else { Guess::Refused { retry_after: Duration::from_micros(wait) } })
    }
}
