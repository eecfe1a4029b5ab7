//! What is spent of each budget in Redis: a list of instants, never longer than the largest
//! allowance.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Allowance, Budget, BudgetError, BudgetKey, Spending};
use redis::Script;

use super::command::Command;
use super::connection::Connection;
use super::error::ConnectionError;
use super::script_arguments::{hex_digest, micros};

/// A [`Budget`] that every replica shares.
pub struct RedisBudget {
    connection: Connection,
    prefix: String,
    spend: Script,
}

impl RedisBudget {
    /// A budget whose keys are `<prefix>:<kind>:<digest of the subject>`.
    pub fn new(connection: Connection, prefix: &str) -> Self {
        Self {
            connection,
            prefix: prefix.to_owned(),
            spend: Script::new(include_str!("spend.lua")),
        }
    }

    fn name(&self, key: &BudgetKey) -> String {
        format!("{}:{}:{}", self.prefix, key.kind.name(), hex_digest(&key.subject))
    }
}

impl From<ConnectionError> for BudgetError {
    fn from(error: ConnectionError) -> Self {
        Self(error.into())
    }
}

#[async_trait]
impl Budget for RedisBudget {
    async fn spend(
        &self,
        key: &BudgetKey,
        allowances: &[Allowance],
    ) -> Result<Spending, BudgetError> {
        let mut spend = Command::call(&self.spend, self.name(key));
        for allowance in allowances {
            spend = spend.arg(allowance.amount.max(1)).arg(micros(allowance.period));
        }
        let (allowed, wait): (bool, u64) = self.connection.query(&spend).await?;
        Ok(if allowed {
            Spending::Allowed
        } else {
            Spending::Refused { retry_after: Duration::from_micros(wait) }
        })
    }

    async fn give_back(&self, key: &BudgetKey) -> Result<(), BudgetError> {
        let pop = Command::new("LPOP", self.name(key));
        let _newest: Option<String> = self.connection.query(&pop).await?;
        Ok(())
    }
}
