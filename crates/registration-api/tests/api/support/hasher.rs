//! Hashes fast, counts, and stands still when a test wants it to.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{HashError, PasswordHasher, Verification};
use domain::{Password, PasswordHash};
use tokio::sync::{Notify, Semaphore};

pub(crate) struct Hasher {
    pub(crate) hashes: AtomicU32,
    pub(crate) verifications: AtomicU32,
    pub(crate) is_overloaded: AtomicBool,
    pub(crate) is_outdated: AtomicBool,
    /// Who is let through; plenty unless a test takes the permits away.
    pub(crate) turns: Semaphore,
    /// Somebody waits for a turn.
    pub(crate) waiting: Notify,
    /// Somebody gave up waiting.
    pub(crate) given_up: Notify,
}

impl Default for Hasher {
    fn default() -> Self {
        Self {
            hashes: AtomicU32::new(0),
            verifications: AtomicU32::new(0),
            is_overloaded: AtomicBool::new(false),
            is_outdated: AtomicBool::new(false),
            turns: Semaphore::new(1_000_000),
            waiting: Notify::new(),
            given_up: Notify::new(),
        }
    }
}

/// Tells when the future it belongs to is dropped early.
struct Waiting<'a>(&'a Notify, bool);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.1 {
            self.0.notify_one();
        }
    }
}

impl Hasher {
    async fn turn(&self) -> Result<(), HashError> {
        self.check_capacity()?;
        self.waiting.notify_one();
        let mut waiting = Waiting(&self.given_up, true);
        self.turns.acquire().await.unwrap().forget();
        waiting.1 = false;
        Ok(())
    }
}

#[async_trait]
impl PasswordHasher for Hasher {
    fn check_capacity(&self) -> Result<(), HashError> {
        if self.is_overloaded.load(Ordering::Relaxed) {
            return Err(HashError::Overloaded { retry_after: Duration::from_millis(1_200) });
        }
        Ok(())
    }

    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        self.turn().await?;
        let count = self.hashes.fetch_add(1, Ordering::Relaxed);
        Ok(PasswordHash::from_phc(format!("{count}:{}", password.expose())))
    }

    async fn verify(
        &self,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, HashError> {
        self.turn().await?;
        self.verifications.fetch_add(1, Ordering::Relaxed);
        let matches = hash.is_some_and(|hash| {
            hash.as_phc().split_once(':').is_some_and(|(_, stored)| stored == password.expose())
        });
        let outdated = self.is_outdated.load(Ordering::Relaxed);
        Ok(if matches { Verification::Match { outdated } } else { Verification::Mismatch })
    }
}
