//! Password hashing with Argon2id (RFC 9106) on threads of its own.
//!
//! Hashing is the costliest thing the system does, so it is bounded in every direction: as many hashes at
//! once as there are threads, as many waiting as the queue holds, none that begins after its deadline, none
//! for a caller who has gone. Must never run on a thread of the async executor, and must never make one
//! wait for a lock that is held while hashing.

mod hasher;
mod job;
mod queue;

use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::Params;
use async_trait::async_trait;
use domain::ports::{HashError, PasswordHasher, Verification};
use domain::{Password, PasswordHash};
use tokio::sync::oneshot;

use hasher::Hasher;
use job::{Job, Task};
use queue::{NotQueued, Queue};

/// How a [`HashPool`] hashes and how much it takes on.
#[derive(Debug, Clone)]
pub struct HashPoolOptions {
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

/// Why a pool could not be started.
#[derive(Debug, thiserror::Error)]
pub enum HashPoolError {
    /// RFC 9106 section 3.1 rules the parameters out.
    #[error("the Argon2 parameters are out of range: {0}")]
    Parameters(argon2::Error),
    /// The operating system gave no random numbers.
    #[error("the operating system gives no random numbers")]
    Random,
    /// The operating system gave no thread.
    #[error("the hashing threads could not be started")]
    Threads(#[source] std::io::Error),
}

/// A [`PasswordHasher`] with a fixed number of threads, which end when it is dropped.
pub struct HashPool {
    queue: Arc<Queue<Job>>,
    deadline: Duration,
}

impl HashPool {
    /// Starts the threads. Their memory is taken at their first hash, so that an idle process stays small.
    pub fn start(options: &HashPoolOptions) -> Result<Self, HashPoolError> {
        let params = Params::new(
            options.memory_kib,
            options.iterations,
            options.lanes,
            Some(Params::DEFAULT_OUTPUT_LEN),
        )
        .map_err(HashPoolError::Parameters)?;
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, NonZero::get),
            threads => threads,
        };
        let pool = Self { queue: Arc::new(Queue::new(threads, options.queue)), deadline: options.deadline };
        for number in 0..threads {
            let mut hasher = Hasher::new(params.clone()).map_err(|_| HashPoolError::Random)?;
            let queue = pool.queue.clone();
            std::thread::Builder::new()
                .name(format!("argon2id-{number}"))
                .spawn(move || queue.work(|job| job.run(&mut hasher)))
                .map_err(HashPoolError::Threads)?;
        }
        Ok(pool)
    }

    async fn submit<T>(
        &self,
        task: impl FnOnce(oneshot::Sender<Result<T, HashError>>) -> Task,
    ) -> Result<T, HashError> {
        let (reply, answer) = oneshot::channel();
        let job = Job { task: task(reply), queued_at: Instant::now(), deadline: self.deadline };
        self.queue.push(job, Job::is_abandoned).map_err(|refusal| match refusal {
            // By then everything that waits now has either begun or been given up.
            NotQueued::Full => HashError::Overloaded { retry_after: self.deadline },
            NotQueued::Closed => HashError::Unavailable,
        })?;
        answer.await.unwrap_or(Err(HashError::Unavailable))
    }
}

impl Drop for HashPool {
    fn drop(&mut self) {
        self.queue.close();
    }
}

#[async_trait]
impl PasswordHasher for HashPool {
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        self.submit(|reply| Task::Hash { password, reply }).await
    }

    async fn verify(
        &self,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, HashError> {
        self.submit(|reply| Task::Verify { password, hash, reply }).await
    }
}
