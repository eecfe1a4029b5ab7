//! Password hashing, which costs more than everything else and is therefore bounded.

use std::time::Duration;

use async_trait::async_trait;

use crate::password::{Password, PasswordHash};

/// Hashes and verifies with a slow, memory-hard function, never on the calling thread. Dropping the
/// returned future before its turn has come takes the work off the queue.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Hashes under a fresh salt.
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError>;

    /// Verifies a password. Without a hash (no such user) the same work is done for nothing, so that
    /// time tells nothing, and the answer is [`Verification::Mismatch`].
    async fn verify(&self, password: Password, hash: Option<PasswordHash>)
    -> Result<Verification, HashError>;
}

/// What came of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// The password is right.
    Match {
        /// The hash was made with other parameters than are in force: hash again and store it.
        outdated: bool,
    },
    /// The password is wrong, or there was nothing to compare it with.
    Mismatch,
}

/// Why nothing was hashed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// The queue is full, or the work could not begin before its deadline.
    #[error("too many passwords are waiting to be hashed")]
    Overloaded {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The stored hash cannot be read.
    #[error("the stored password hash is damaged")]
    Damaged,
    /// The pool is shutting down, or the operating system gave no random salt.
    #[error("password hashing is not available")]
    Unavailable,
}
