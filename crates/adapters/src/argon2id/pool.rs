//! The threads that hash, and how jobs reach them.

use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::Params;
use async_trait::async_trait;
use domain::ports::{HashError, PasswordHasher, Verification};
use domain::{Password, PasswordHash};
use spans::{Kind, Span};
use tokio::sync::oneshot;

use super::hasher::Hasher;
use super::job::{Job, Task};
use super::options::Argon2idOptions;
use super::queue::{NotQueued, Priority, Queue};

/// The degree of parallelism: one thread computes a hash.
const LANES: u32 = 1;

/// Why a pool could not be started.
#[derive(Debug, thiserror::Error)]
pub enum HashPoolError {
    /// RFC 9106 section 3.1 rules the parameters out.
    #[error("the Argon2 parameters are out of range: {0}")]
    Parameters(argon2::Error),
    /// The operating system provided no random numbers.
    #[error("the operating system gives no random numbers")]
    Random,
    /// The operating system could not start a thread.
    #[error("the hashing threads could not be started")]
    Threads(#[source] std::io::Error),
}

/// A [`PasswordHasher`] with a fixed number of threads, which end when it is dropped.
pub struct HashPool {
    queue: Arc<Queue<Job>>,
    deadline: Duration,
}

impl HashPool {
    /// Starts the threads. They allocate their memory at their first hash, so that an idle process
    /// stays small.
    pub fn start(options: &Argon2idOptions) -> Result<Self, HashPoolError> {
        Self::start_observed(options, |_| ())
    }

    /// The same, and tells `observe` how long each hash took.
    pub fn start_observed(
        options: &Argon2idOptions,
        observe: impl Fn(Duration) + Clone + Send + 'static,
    ) -> Result<Self, HashPoolError> {
        let params = Params::new(
            options.memory_kib,
            options.iterations,
            LANES,
            Some(Params::DEFAULT_OUTPUT_LEN),
        )
        .map_err(HashPoolError::Parameters)?;
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, NonZero::get),
            threads => threads,
        };
        let pool = Self {
            queue: Arc::new(Queue::new(threads, options.queue, options.deadline)),
            deadline: options.deadline,
        };
        for number in 0..threads {
            let mut hasher = Hasher::new(params.clone()).map_err(|_| HashPoolError::Random)?;
            let (queue, observe) = (pool.queue.clone(), observe.clone());
            let work = move |job: Job| {
                let done = job.run(&mut hasher);
                done.took.into_iter().for_each(&observe);
                done
            };
            std::thread::Builder::new()
                .name(format!("argon2id-{number}"))
                .spawn(move || queue.work(work))
                .map_err(HashPoolError::Threads)?;
        }
        Ok(pool)
    }

    /// How many passwords wait for a thread now.
    pub fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// The same pool for the product's look-ups, whose passwords wait for all others.
    pub fn of_product(self: &Arc<Self>) -> ProductHasher {
        ProductHasher(self.clone())
    }

    fn check_capacity(&self, priority: Priority) -> Result<(), HashError> {
        if self.queue.takes(priority) { Ok(()) } else { Err(self.overloaded()) }
    }

    /// By then every job in the queue has either started or been given up.
    fn overloaded(&self) -> HashError {
        HashError::Overloaded { retry_after: self.deadline }
    }

    async fn submit<T>(
        &self,
        priority: Priority,
        task: impl FnOnce(oneshot::Sender<Result<T, HashError>>) -> Task,
    ) -> Result<T, HashError> {
        let (reply, answer) = oneshot::channel();
        let (task, queued_at) = (task(reply), Instant::now());
        let waiting = Span::part("hash.wait", Kind::Internal);
        let job = Job { task, priority, queued_at, deadline: self.deadline, waiting };
        self.queue.push(job).map_err(|refusal| match refusal {
            NotQueued::Full => self.overloaded(),
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
    fn check_capacity(&self) -> Result<(), HashError> {
        self.check_capacity(Priority::Registration)
    }

    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        self.submit(Priority::Registration, |reply| Task::Hash { password, reply }).await
    }

    async fn verify(
        &self,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, HashError> {
        self.submit(Priority::Activation, |reply| Task::Verify { password, hash, reply }).await
    }
}

/// A [`PasswordHasher`] on the threads of a [`HashPool`] that yields to everybody else there.
pub struct ProductHasher(Arc<HashPool>);

#[async_trait]
impl PasswordHasher for ProductHasher {
    fn check_capacity(&self) -> Result<(), HashError> {
        self.0.check_capacity(Priority::Product)
    }

    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        self.0.submit(Priority::Product, |reply| Task::Hash { password, reply }).await
    }

    async fn verify(
        &self,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, HashError> {
        self.0.submit(Priority::Product, |reply| Task::Verify { password, hash, reply }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threads_end_with_the_pool() {
        let options = Argon2idOptions {
            memory_kib: 8,
            iterations: 1,
            threads: 3,
            queue: 1,
            deadline: Duration::from_secs(1),
        };
        let pool = HashPool::start(&options).unwrap();
        // Each thread holds the queue for as long as it lives.
        let queue = Arc::downgrade(&pool.queue);
        drop(pool);
        let patience = Instant::now() + Duration::from_secs(10);
        while queue.strong_count() > 0 {
            assert!(Instant::now() < patience, "the threads should have ended");
            std::thread::yield_now();
        }
    }
}
