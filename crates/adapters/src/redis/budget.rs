//! The guesses of each address in Redis: a list of the instants at which guesses were allowed, never
//! longer than the allowance.

use std::time::Duration;

use async_trait::async_trait;
use domain::EmailAddress;
use domain::ports::{Allowance, Budget, BudgetError, Spending};
use redis::Script;

use super::connection::Connection;
use super::script_arguments::{hex_digest, micros};

/// A [`Budget`] that every replica shares.
pub struct RedisBudget {
    connection: Connection,
    prefix: String,
    spend_guess: Script,
}

impl RedisBudget {
    /// A budget whose keys are `<prefix>:guesses:<digest of the address>`.
    pub fn new(connection: Connection, prefix: &str) -> Self {
        Self {
            connection,
            prefix: format!("{prefix}:guesses:"),
            spend_guess: Script::new(include_str!("spend.lua")),
        }
    }
}

#[async_trait]
impl Budget for RedisBudget {
    async fn spend_guess(
        &self,
        address: &EmailAddress,
        allowance: Allowance,
    ) -> Result<Spending, BudgetError> {
        let mut script =
            self.spend_guess.key(format!("{}{}", self.prefix, hex_digest(&address.lookup_key())));
        script.arg(allowance.guesses.max(1)).arg(micros(allowance.period));
        let (allowed, wait): (bool, u64) =
            self.connection.invoke(&script).await.map_err(|error| BudgetError(error.into()))?;
        Ok(if allowed {
            Spending::Allowed
        } else {
            Spending::Refused { retry_after: Duration::from_micros(wait) }
        })
    }
}
