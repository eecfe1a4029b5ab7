//! Who sends a mail: one delivery at a time, over all workers. An event can be in two
//! hands when a worker has lost its broker, or a relay its lease, while a mail server is slow.

use std::convert::Infallible;
use std::time::Duration;

use domain::ports::{CodeStore, CodeStoreError, MailKey};
use uuid::Uuid;

/// How long a worker that died keeps others from sending its mail.
pub(crate) const LEASE: Duration = Duration::from_secs(15);

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

/// Takes the lease for `sender` with `begin`, which may do more in the same step, and does `work` with
/// its result while nobody else sends the mail.
pub(crate) async fn while_leased<B, T, E, Begin, Work>(
    codes: &dyn CodeStore,
    mail: MailKey,
    sender: Uuid,
    begin: Begin,
    work: impl FnOnce(B) -> Work,
) -> Result<T, E>
where
    E: From<LeaseError>,
    Begin: Future<Output = Result<Option<B>, CodeStoreError>>,
    Work: Future<Output = Result<T, E>>,
{
    let first = match begin.await {
        Ok(Some(done)) => Ok(done),
        Ok(None) => return Err(LeaseError::HeldByAnother.into()),
        // It may have been taken all the same.
        Err(error) => Err(LeaseError::from(error)),
    };
    let working = async { work(first?).await };
    let renewals = async || -> Infallible {
        loop {
            tokio::time::sleep(RENEWAL).await;
            // A mail that is under way cannot be recalled, so it is not given up with a lost lease.
            if let Err(error) = codes.lease_sending(mail, sender, LEASE).await {
                tracing::debug!(event = "lease.not_renewed", %error, "a lease to send could not be renewed");
            }
        }
    };
    let outcome = tokio::select! {
        outcome = working => outcome,
        never = renewals() => match never {},
    };
    if outcome.is_err() {
        // For the next attempt, wherever it is made. A lease that cannot be given back ends by
        // itself.
        let _ = codes.release_sending(mail, sender).await;
    }
    outcome
}
