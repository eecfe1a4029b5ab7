//! Spends from several budgets, all or nothing, and gives back what was not needed.

use std::net::IpAddr;
use std::sync::Arc;

use domain::ErrorChain;
use domain::ports::{Allowance, Budget, BudgetError, BudgetKey, BudgetKind, Spending};

use super::client_networks::client_networks;
use super::exceeded::LimitExceeded;

/// What is to be spent from one budget.
pub(super) struct Charge {
    /// The name of the limit.
    pub(super) policy: &'static str,
    pub(super) key: BudgetKey,
    /// None of them turns the limit off.
    pub(super) allowances: Vec<Allowance>,
}

/// What a client is charged, by the networks that it counts in.
pub(super) fn charge_client(
    policy: &'static str,
    kind: BudgetKind,
    quota: Allowance,
    client: IpAddr,
) -> impl Iterator<Item = Charge> {
    client_networks(client).into_iter().map(move |network| Charge {
        policy,
        key: BudgetKey { kind, subject: network.key },
        allowances: vec![Allowance { amount: quota.amount.saturating_mul(network.share), ..quota }],
    })
}

/// What was spent.
#[derive(Default)]
#[must_use = "what is not used is given back"]
pub struct Spent(Vec<(Arc<dyn Budget>, BudgetKey)>);

impl Spent {
    /// Gives all of it back, because what it paid for was not done.
    pub async fn give_back(self) {
        for (budget, key) in self.0 {
            if let Err(error) = budget.give_back(&key).await {
                let (kind, error) = (key.kind.name(), ErrorChain(&error));
                tracing::warn!(event = "budget.not_given_back", kind, %error, "a budget stays spent");
            }
        }
    }
}

/// Pays the charges in turn. The first that is refused has what was spent before it given back.
pub(super) async fn spend_all(
    budget: &Arc<dyn Budget>,
    charges: &[Charge],
) -> Result<Result<Spent, LimitExceeded>, BudgetError> {
    let mut spent = Spent::default();
    for charge in charges.iter().filter(|charge| !charge.allowances.is_empty()) {
        match budget.spend(&charge.key, &charge.allowances).await {
            Ok(Spending::Allowed) => spent.0.push((budget.clone(), charge.key.clone())),
            Ok(Spending::Refused { retry_after }) => {
                spent.give_back().await;
                return Ok(Err(LimitExceeded { policy: charge.policy, retry_after }));
            }
            Err(error) => {
                spent.give_back().await;
                return Err(error);
            }
        }
    }
    Ok(Ok(spent))
}
