//! What is spent of each budget in memory, one instant each. Must never forget a guess that still
//! counts: a budget that is full of addresses refuses to count further ones instead.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Allowance, Budget, BudgetError, BudgetKey, BudgetKind, Spending};
use tokio::time::Instant;

use super::clock::after;
use super::expiring_map::{DEFAULT_CAPACITY, ExpiringMap, lock};
use super::key_digest::{KeyDigest, digest};

/// A [`Budget`] for one process.
pub struct InProcessBudget {
    /// A map for each [`BudgetKind`], so that many keys of one kind leave the others their room.
    logs: [Mutex<ExpiringMap<KeyDigest, Log>>; BudgetKind::ALL.len()],
}

/// When one was spent, the oldest first; no more of them than the largest allowance.
type Log = VecDeque<Instant>;

impl InProcessBudget {
    /// A budget for 100,000 keys of each kind that spend within one period.
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }

    /// A budget for at most `keys` keys of each kind that spend within one period. Beyond them the
    /// key that expires first makes way if its kind may be forgotten, and spending is an error if
    /// it may not.
    pub fn with_capacity(keys: usize) -> Self {
        Self { logs: BudgetKind::ALL.map(|_| Mutex::new(ExpiringMap::new(keys))) }
    }
}

impl Default for InProcessBudget {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Budget for InProcessBudget {
    async fn spend(
        &self,
        key: &BudgetKey,
        allowances: &[Allowance],
    ) -> Result<Spending, BudgetError> {
        let kind = key.kind;
        let key = digest(&key.subject);
        let mut logs = lock(&self.logs[kind as usize]);
        let now = Instant::now();
        logs.sweep(now);
        let mut log = logs.remove(&key).unwrap_or_default();
        let spending = spend(&mut log, now, allowances);
        let longest = allowances.iter().map(|allowance| allowance.period).max().unwrap_or_default();
        let counts_until = log.back().map_or(now, |newest| after(*newest, longest));
        logs.insert(key, log, counts_until, |_| kind.may_be_forgotten())
            .map_err(|full| BudgetError(full.into()))?;
        Ok(spending)
    }

    async fn give_back(&self, key: &BudgetKey) -> Result<(), BudgetError> {
        let mut logs = lock(&self.logs[key.kind as usize]);
        let key = digest(&key.subject);
        if let Some(log) = logs.get_mut(&key, Instant::now()) {
            log.pop_back();
            if log.is_empty() {
                logs.remove(&key);
            }
        }
        Ok(())
    }
}

/// Spends one if none of the allowances is used up.
fn spend(log: &mut Log, now: Instant, allowances: &[Allowance]) -> Spending {
    let wait =
        allowances.iter().map(|allowance| wait(log, now, *allowance)).max().unwrap_or_default();
    if !wait.is_zero() {
        return Spending::Refused { retry_after: wait };
    }
    log.push_back(now);
    let most = allowances.iter().map(|allowance| count(*allowance)).max().unwrap_or_default();
    log.drain(..log.len().saturating_sub(most));
    Spending::Allowed
}

/// How long until the one that lies as many back as are allowed was a period ago.
fn wait(log: &Log, now: Instant, allowance: Allowance) -> Duration {
    let decisive = log.len().checked_sub(count(allowance)).map(|index| log[index]);
    decisive.map_or(Duration::ZERO, |decisive| after(decisive, allowance.period) - now)
}

fn count(allowance: Allowance) -> usize {
    usize::try_from(allowance.amount.max(1)).unwrap_or(usize::MAX)
}
