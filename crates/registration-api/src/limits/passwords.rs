//! Counts the passwords that the product asks about and that turn out wrong.

use std::net::IpAddr;

use domain::EmailAddress;
use domain::ports::{BudgetKey, BudgetKind};

use super::charges::{Charge, Spent, charge_client};
use super::counting::Limits;
use super::exceeded::LimitExceeded;
use crate::metrics::count_refusal;

impl Limits {
    /// Counts a password that may turn out wrong, before it is compared, against its address,
    /// registered or not, and against the person's client, where the product names it. What is
    /// spent is given back if it does not.
    pub async fn spend_password(
        &self,
        address: &EmailAddress,
        client: Option<IpAddr>,
    ) -> Result<Spent, LimitExceeded> {
        let mut charges = Vec::new();
        if let (Some(client), Some(quota)) = (client, self.quotas.wrong_passwords_per_client) {
            let kind = BudgetKind::PasswordsOfClient;
            charges.extend(charge_client("client-passwords", kind, quota, client));
        }
        charges.push(Charge {
            policy: "address-passwords",
            key: BudgetKey { kind: BudgetKind::PasswordsOfAddress, subject: address.lookup_key() },
            allowances: self.quotas.wrong_passwords_per_address.into_iter().collect(),
        });
        let result = self.spend(&charges).await;
        if let Err(LimitExceeded { policy, .. }) = result {
            count_refusal(policy);
            let address = address.masked();
            tracing::warn!(event = "limit.exceeded", policy, person = ?client, address, "too many passwords were wrong");
        }
        result
    }
}
