//! Budgets that are never whole again.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Allowance, Budget, BudgetError, BudgetKey, BudgetKind, Spending};

use super::broken;

#[derive(Default)]
pub(crate) struct Budgets {
    /// The guesses of all addresses.
    pub(crate) spent: AtomicU32,
    counts: Mutex<HashMap<BudgetKey, u32>>,
    pub(crate) is_down: AtomicBool,
}

impl Budgets {
    /// What is spent of each budget but the guesses, sorted by subject.
    pub(crate) fn spent_of(&self, kind: BudgetKind) -> Vec<(String, u32)> {
        let counts = self.counts.lock().unwrap();
        let spent = counts.iter().filter(|(key, count)| key.kind == kind && **count > 0);
        let mut spent: Vec<_> = spent.map(|(key, count)| (key.subject.clone(), *count)).collect();
        spent.sort();
        spent
    }

    fn check(&self) -> Result<(), BudgetError> {
        if self.is_down.load(Ordering::Relaxed) { Err(BudgetError(broken())) } else { Ok(()) }
    }
}

#[async_trait]
impl Budget for Budgets {
    async fn spend(
        &self,
        key: &BudgetKey,
        allowances: &[Allowance],
    ) -> Result<Spending, BudgetError> {
        self.check()?;
        let amount = allowances.iter().map(|allowance| allowance.amount).min().unwrap();
        let retry_after = Duration::from_millis(90_500);
        if key.kind == BudgetKind::Guesses {
            let spent = self.spent.fetch_add(1, Ordering::Relaxed);
            return Ok(if spent < amount {
                Spending::Allowed
            } else {
                Spending::Refused { retry_after }
            });
        }
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(key.clone()).or_default();
        if *count >= amount {
            return Ok(Spending::Refused { retry_after });
        }
        *count += 1;
        Ok(Spending::Allowed)
    }

    async fn give_back(&self, key: &BudgetKey) -> Result<(), BudgetError> {
        self.check()?;
        let mut counts = self.counts.lock().unwrap();
        let count = counts.get_mut(key).filter(|count| **count > 0).expect("nothing is spent");
        *count -= 1;
        Ok(())
    }
}
