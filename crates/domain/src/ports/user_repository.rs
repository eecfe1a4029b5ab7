//! Where users live.

use std::time::Duration;

use async_trait::async_trait;

use super::source::Source;
use crate::code::CodeIssue;
use crate::email_address::EmailAddress;
use crate::event::Event;
use crate::password::PasswordHash;
use crate::user::User;
use crate::user_id::UserId;

/// Stores users. A change and the events it caused are written in one transaction, which a caller that
/// goes away does not cut short. Addresses are compared case-insensitively.
#[async_trait]
pub trait UserRepository: Send + Sync {
    /// Stores a new user, or puts it in the place of an unverified one of the same address whose
    /// minute has run out, in one atomic statement. A claim whose minute has not begun, because its
    /// mail is still on its way, holds the address too.
    async fn claim(&self, user: &User, events: &[Event]) -> Result<(), ClaimError>;

    /// The user of an address.
    async fn find_by_email(&self, email: &EmailAddress) -> Result<Option<User>, RepositoryError>;

    /// The user of an identifier; none once its address was claimed again.
    async fn find(&self, id: UserId) -> Result<Option<User>, RepositoryError>;

    /// Stores the changed status and code number of a user, provided that the stored one is still
    /// pending with the code `expected`. A changed code number means that its mail is not accepted yet.
    async fn save(&self, user: &User, expected: CodeIssue, events: &[Event]) -> Result<(), SaveError>;

    /// Notes that the mail with this code was accepted: the claim holds the address for `duration` from
    /// now, by the store's clock. Does nothing unless the code is still the current one of a pending user.
    async fn hold_address(&self, issue: CodeIssue, duration: Duration) -> Result<(), RepositoryError>;

    /// Lets the address be claimed again at once, because the mail with this code can never be delivered.
    /// Does nothing unless the code is still the current one of a pending user.
    async fn release_address(&self, issue: CodeIssue) -> Result<(), RepositoryError>;

    /// Replaces a password hash by another one of the same password, made with the parameters that are in
    /// force now, unless it has changed.
    async fn upgrade_password_hash(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<(), RepositoryError>;

    /// Records the event that tells the owner of an active account that somebody tried to register its
    /// address, unless one was recorded within `at_most_every`. Returns whether it was recorded.
    async fn record_repeated_registration(
        &self,
        id: UserId,
        at_most_every: Duration,
        event: &Event,
    ) -> Result<bool, RepositoryError>;

    /// Deletes up to `limit` users that are still pending `older_than` after they last asked for a code
    /// and whose minute does not run, unless another replica is at it. Returns how many.
    async fn purge_unverified(&self, older_than: Duration, limit: u32) -> Result<u64, RepositoryError>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), RepositoryError>;
}

/// The store could not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// No connection, a timeout, or an error of the database.
    #[error("the user store is unavailable")]
    Unavailable(#[source] Source),
    /// A stored value breaks the rules of the domain.
    #[error("the user store holds a damaged record")]
    Damaged(#[source] Source),
}

/// Why an address was not claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// An active account, or a claim whose minute has not run out, holds the address.
    #[error("the address is taken")]
    EmailTaken,
    /// The store could not do as asked.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// Why a change was not stored.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The user is no longer pending with the code it had: activated, superseded or claimed again.
    #[error("the user has changed meanwhile")]
    Stale,
    /// The store could not do as asked.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}
