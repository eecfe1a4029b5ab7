//! Deletes registrations that were never activated (OWASP ASVS 14.2.7), one batch per transaction,
//! by one replica at a time.

use std::sync::Arc;
use std::time::Duration;

use domain::ErrorChain;
use domain::ports::{PurgeAges, Purged, UserRepository};
use tokio_util::sync::CancellationToken;

use crate::metrics::{CLAIMS_PURGED, CLAIMS_PURGED_UNMAILED};

/// When unverified registrations are deleted.
#[derive(Debug, Clone, Copy)]
pub struct PurgeOptions {
    /// How long they are kept.
    pub ages: PurgeAges,
    /// How often to look for them.
    pub interval: Duration,
    /// How many are deleted per transaction.
    pub batch: u32,
}

/// Purges at once and then at each interval, until `shutdown` is cancelled.
pub async fn purge_regularly(
    users: Arc<dyn UserRepository>,
    options: PurgeOptions,
    shutdown: CancellationToken,
) {
    loop {
        purge(&*users, options, &shutdown).await;
        tokio::select! {
            () = tokio::time::sleep(options.interval) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Purges batch by batch until one is not full. A failure ends the round; the next round tries
/// again.
async fn purge(users: &dyn UserRepository, options: PurgeOptions, shutdown: &CancellationToken) {
    while !shutdown.is_cancelled() {
        match users.purge_unverified(options.ages, options.batch).await {
            Ok(purged) => {
                report(&purged);
                if purged.total() < u64::from(options.batch) {
                    return;
                }
            }
            Err(error) => {
                let error = ErrorChain(&error);
                tracing::warn!(event = "purge.failed", %error, "unverified registrations are not deleted");
                return;
            }
        }
    }
}

fn report(purged: &Purged) {
    if purged.total() > 0 {
        let purged = purged.total();
        metrics::counter!(CLAIMS_PURGED).increment(purged);
        tracing::info!(event = "registrations.purged", purged, "deleted unverified registrations");
    }
    metrics::counter!(CLAIMS_PURGED_UNMAILED).increment(purged.unmailed.len() as u64);
    // One by one: each was promised a mail.
    for user_id in &purged.unmailed {
        tracing::warn!(
            event = "registration.purged_unmailed",
            %user_id,
            "deleted a registration whose mail could not be sent for registration.purge_unmailed_after"
        );
    }
}
