//! Password hashing, which is the most expensive operation and therefore bounded.

use std::time::Duration;

use async_trait::async_trait;

use crate::password::{Password, PasswordHash};

/// Hashes and verifies with a slow, memory-hard function, never on the calling thread. Dropping the
/// returned future before the work has started removes it from the queue.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Fails if a password to hash would be refused as [`HashError::Overloaded`] now, so that nothing
    /// is spent on a request that cannot be served. Promises nothing.
    fn check_capacity(&self) -> Result<(), HashError>;

    /// Hashes under a fresh salt.
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError>;

    /// Verifies a password. Without a hash (no such user) the same work is done, so that the time
    /// reveals nothing, and the answer is [`Verification::Mismatch`].
    async fn verify(
        &self,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, HashError>;
}

/// The result of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// The password is right.
    Match {
        /// The hash was not made with the current parameters: hash again and store it.
        outdated: bool,
    },
    /// The password is wrong, or there was nothing to compare it with.
    Mismatch,
}

/// Why a password was not hashed or verified.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// The queue is full, or the work could not start before its deadline.
    #[error("too many passwords are waiting to be hashed")]
    Overloaded {
        /// How long to wait before trying again.
        retry_after: Duration,
    },
    /// The stored hash cannot be read.
    #[error("the stored password hash is damaged")]
    Damaged,
    /// The pool is shutting down, or the operating system provided no random salt.
    #[error("password hashing is not available")]
    Unavailable,
}
