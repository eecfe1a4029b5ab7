//! How passwords are hashed, and how many at once.

use std::time::Duration;

/// How a [`super::HashPool`] hashes, and how many passwords at once.
#[derive(Debug, Clone)]
pub struct Argon2idOptions {
    /// The memory of one hash in KiB. OWASP: 19456 or more with two iterations.
    pub memory_kib: u32,
    /// How many passes a hash makes over its memory.
    pub iterations: u32,
    /// How many hashes are computed at once; 0 means one per core. Each thread keeps the memory of
    /// one hash from its first use on.
    pub threads: usize,
    /// How many passwords may wait for a thread.
    pub queue: usize,
    /// How long a password may wait for a thread.
    pub deadline: Duration,
}
