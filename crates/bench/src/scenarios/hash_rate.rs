//! The pure hash: Argon2id as the service computes it, and nothing else, on every core.

use std::num::NonZero;
use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::BenchError;
use crate::machine::{HashMemory, of_this_thread};
use crate::statistics::number;

/// As in `defaults.toml`.
const MEMORY_KIB: u32 = 19_456;
const ITERATIONS: u32 = 2;

/// What the machine can do.
#[derive(Debug, Clone, Copy)]
pub(super) struct HashRate {
    pub(super) per_second: f64,
    /// Processor time, in milliseconds.
    pub(super) milliseconds: f64,
}

impl HashRate {
    /// Hashes for so long, on as many threads as the service does.
    pub(super) fn measure(duration: Duration) -> Result<Self, BenchError> {
        let params = Params::new(MEMORY_KIB, ITERATIONS, 1, None).map_err(|error| {
            BenchError::NoResult(format!("the hash cannot be computed: {error}"))
        })?;
        let threads = available_parallelism().map_or(1, NonZero::get);
        let mut memories = Vec::with_capacity(threads);
        for _ in 0..threads {
            memories.push(HashMemory::new(params.block_count())?);
        }
        let began = Instant::now();
        let start = |memory: HashMemory| {
            let params = params.clone();
            thread::spawn(move || hash_until(began + duration, &params, memory))
        };
        let workers: Vec<_> = memories.into_iter().map(start).collect();
        let (mut hashes, mut used) = (0, Duration::ZERO);
        for worker in workers {
            let (count, time) = worker.join().unwrap_or_default();
            hashes += count;
            used += time;
        }
        Ok(Self {
            per_second: number(hashes) / began.elapsed().as_secs_f64(),
            milliseconds: used.as_secs_f64() * 1e3 / number(hashes.max(1)),
        })
    }

    /// The mean of two.
    pub(super) fn mean(self, other: Self) -> Self {
        Self {
            per_second: f64::midpoint(self.per_second, other.per_second),
            milliseconds: f64::midpoint(self.milliseconds, other.milliseconds),
        }
    }
}

/// How many hashes, in memory that is kept between them, and their processor time.
fn hash_until(end: Instant, params: &Params, mut memory: HashMemory) -> (usize, Duration) {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    let before = of_this_thread();
    let mut hashes = 0;
    while Instant::now() < end {
        let result = argon2.hash_password_into_with_memory(
            b"correct horse battery staple",
            b"sixteen bytes of",
            &mut output,
            memory.blocks(),
        );
        hashes += usize::from(result.is_ok());
    }
    (hashes, of_this_thread().saturating_sub(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hash_takes_is_positive() {
        let rate = HashRate::measure(Duration::from_millis(300)).unwrap();
        assert!(rate.per_second > 0.0 && rate.milliseconds > 0.0, "{rate:?}");
    }

    #[test]
    fn the_hash_is_that_of_the_defaults() {
        let defaults = include_str!("../../../settings/src/defaults.toml");
        for line in [format!("memory_kib = {MEMORY_KIB}"), format!("iterations = {ITERATIONS}")] {
            assert!(defaults.lines().any(|other| other == line), "{line}");
        }
    }
}
