//! Who sends a mail: one delivery at a time, over all workers. An event can be in two
//! hands when a worker has lost its broker, or a relay its lease, while a mail server is slow.

use std::convert::Infallible;
use std::time::Duration;

use domain::ports::{CodeStore, CodeStoreError, IdSource, MailKey, SendingLease};

/// How long a worker that died keeps others from sending its mail.
const LEASE: Duration = Duration::from_secs(15);

/// How often a lease is renewed: two renewals may fail.
const RENEWAL: Duration = Duration::from_secs(5);

/// Why there is no lease.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeaseError {
    #[error("another delivery of the event is sending its mail")]
    HeldByAnother,
    #[error(transparent)]
    CodeStore(#[from] CodeStoreError),
}

/// Does `work` while nobody else sends the mail.
pub(crate) async fn while_leased<T, E: From<LeaseError>>(
    codes: &dyn CodeStore,
    ids: &dyn IdSource,
    mail: MailKey,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let sender = ids.next_id();
    let take = async || codes.lease_sending(mail, sender, LEASE).await.map_err(LeaseError::from);
    if take().await? == SendingLease::HeldByAnother {
        return Err(LeaseError::HeldByAnother.into());
    }
    let renewals = async || -> Infallible {
        loop {
            tokio::time::sleep(RENEWAL).await;
            // A mail that is under way cannot be recalled, so it is not given up with a lost lease.
            if let Err(error) = take().await {
                tracing::debug!(event = "lease.not_renewed", %error, "a lease to send could not be renewed");
            }
        }
    };
    let outcome = tokio::select! {
        outcome = work => outcome,
        never = renewals() => match never {},
    };
    if outcome.is_err() {
        // For the next attempt, wherever it is made. A lease that cannot be given back ends by
        // itself.
        let _ = codes.release_sending(mail, sender).await;
    }
    outcome
}
