//! How passwords are hashed and how much is taken on.

use std::time::Duration;

/// How a [`super::HashPool`] hashes and how much it takes on.
#[derive(Debug, Clone)]
pub struct Argon2idOptions {
    /// The memory of one hash in KiB. OWASP: 19456 or more with two iterations.
    pub memory_kib: u32,
    /// How often a hash goes over its memory.
    pub iterations: u32,
    /// The degree of parallelism that is part of the hash. One thread computes all lanes.
    pub lanes: u32,
    /// How many hashes are computed at once; 0 means as many as there are cores. Each thread keeps the
    /// memory of one hash from its first use on.
    pub threads: usize,
    /// How many passwords may wait for a thread.
    pub queue: usize,
    /// How long a password may wait for a thread.
    pub deadline: Duration,
}
