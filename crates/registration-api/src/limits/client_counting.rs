//! Counts a request against every network of its client.

use std::net::IpAddr;

use domain::ports::{LimitKey, LimitOutcome, Quota};

use super::client_networks::client_networks;
use super::counting::Limits;

/// Counts a request against each network of the client, the narrowest first. What a wider network
/// refuses is given back to the narrower ones: so a client that owns many of those makes the stores
/// keep no more keys than the widest allows, and takes nothing from its neighbours once it is
/// refused itself. Returns the quota and the outcome of the network that refuses, or of the
/// narrowest; `None` if nobody counts.
pub(super) async fn count_client(
    limits: &Limits,
    policy: &'static str,
    quota: Quota,
    client: IpAddr,
) -> Option<(Quota, LimitOutcome)> {
    let mut counted = Vec::new();
    for network in client_networks(client) {
        let key = LimitKey::new(policy, &network.key);
        let quota = Quota { burst: quota.burst.saturating_mul(network.share), ..quota };
        let outcome = limits.count(&key, quota).await?;
        if let LimitOutcome::Refused { .. } = outcome {
            for (key, quota, _) in &counted {
                limits.give_back(key, *quota).await;
            }
            return Some((quota, outcome));
        }
        counted.push((key, quota, outcome));
    }
    counted.first().map(|(_, quota, outcome)| (*quota, *outcome))
}
