//! Where accounts are looked up and deleted by others than their owners.

use async_trait::async_trait;

use super::user_repository::RepositoryError;
use crate::account::{Account, AccountRecord};
use crate::email_address::EmailAddress;
use crate::event::Event;
use crate::user_id::UserId;

/// The accounts that [`super::UserRepository`] stores, registrations that wait for their code
/// included.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// The account with this identifier.
    async fn find(&self, id: UserId) -> Result<Option<Account>, RepositoryError>;

    /// The account with this address, compared case-insensitively.
    async fn find_by_email(&self, email: &EmailAddress)
    -> Result<Option<Account>, RepositoryError>;

    /// Up to `limit` accounts whose identifiers come after `after`, in the order of identifiers:
    /// that of registration.
    async fn page(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<Account>, RepositoryError>;

    /// What is stored of the account with this identifier.
    async fn record(&self, id: UserId) -> Result<Option<AccountRecord>, RepositoryError>;

    /// Lets the codes of an account be guessed anew: from now on it has another
    /// [`guess_budget`](crate::User::guess_budget). Returns whether there is such an account.
    async fn renew_guesses(&self, id: UserId) -> Result<bool, RepositoryError>;

    /// Deletes an account with all that the store has of its address, the suppression of the address
    /// included, and records the event in the same transaction. Returns whether there was one.
    async fn delete(&self, id: UserId, event: &Event) -> Result<bool, RepositoryError>;
}
