//! Where users are stored.

use std::time::Duration;

use async_trait::async_trait;

use super::source::Source;
use crate::code::CodeIssue;
use crate::email_address::EmailAddress;
use crate::event::Event;
use crate::password::PasswordHash;
use crate::user::User;
use crate::user_id::UserId;

/// Stores users. A change and its events are written in one transaction, which completes even if
/// the caller goes away. Addresses are compared case-insensitively.
#[async_trait]
pub trait UserRepository: Send + Sync {
    /// Stores a new user, or replaces an unverified one of the same address whose minute has run
    /// out, in one atomic statement. A claim whose minute has not started, because its mail is
    /// still in transit, holds the address too.
    async fn claim(&self, user: &User, events: &[Event]) -> Result<(), ClaimError>;

    /// The user with this address.
    async fn find_by_email(&self, email: &EmailAddress) -> Result<Option<User>, RepositoryError>;

    /// The user with this identifier; none once the address has been claimed again.
    async fn find(&self, id: UserId) -> Result<Option<User>, RepositoryError>;

    /// Stores the changed status and code number of a user, provided that the stored one is still
    /// pending with the code `expected`. A changed code number means that its mail is not accepted
    /// yet.
    async fn save(
        &self,
        user: &User,
        expected: CodeIssue,
        events: &[Event],
    ) -> Result<(), SaveError>;

    /// Notes that the mail with this code was accepted: the claim holds the address for `duration`
    /// from now, by the store's clock. Does nothing unless the code is still the current one of a
    /// pending user.
    async fn hold_address(
        &self,
        issue: CodeIssue,
        duration: Duration,
    ) -> Result<(), RepositoryError>;

    /// Lets the address be claimed again at once, because the mail with this code can never be
    /// delivered. Does nothing unless the code is still the current one of a pending user.
    async fn release_address(&self, issue: CodeIssue) -> Result<(), RepositoryError>;

    /// Replaces a password hash with one of the same password made with the current parameters,
    /// unless the stored hash has changed.
    async fn upgrade_password_hash(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<(), RepositoryError>;

    /// Records the event that tells the owner of an active account that somebody tried to register
    /// its address, unless one was recorded within `at_most_every`. Returns whether it was
    /// recorded.
    async fn record_repeated_registration(
        &self,
        id: UserId,
        at_most_every: Duration,
        event: &Event,
    ) -> Result<bool, RepositoryError>;

    /// Deletes up to `limit` users that are still pending at these ages and whose minute is not
    /// running, unless another replica is purging.
    async fn purge_unverified(
        &self,
        ages: PurgeAges,
        limit: u32,
    ) -> Result<Purged, RepositoryError>;

    /// Whether the store takes what a registration writes.
    async fn ping(&self) -> Result<(), RepositoryError>;
}

/// From when on users that are still pending are purged, counted from their last request for a
/// code.
#[derive(Debug, Clone, Copy)]
pub struct PurgeAges {
    /// Once the mail with the code is settled: accepted, or refused for good.
    pub mailed: Duration,
    /// While the mail has never been settled, as when mail has been down all the time. At least as
    /// long.
    pub unmailed: Duration,
}

/// What a purge has deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purged {
    /// How many users had let their code expire.
    pub mailed: u64,
    /// The users whose mail was still promised.
    pub unmailed: Vec<UserId>,
}

impl Purged {
    /// Sorts what was deleted by whether the mail was settled.
    pub fn of(deleted: impl IntoIterator<Item = (UserId, bool)>) -> Self {
        let mut purged = Self::default();
        for (user, is_mailed) in deleted {
            if is_mailed {
                purged.mailed += 1;
            } else {
                purged.unmailed.push(user);
            }
        }
        purged
    }

    /// How many users that are in all.
    pub fn total(&self) -> u64 {
        self.mailed + self.unmailed.len() as u64
    }
}

/// The store failed.
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
    /// The store failed.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// Why a change was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The user is no longer pending with the code it had: activated, superseded or claimed again.
    #[error("the user has changed meanwhile")]
    Stale,
    /// The store failed.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}
