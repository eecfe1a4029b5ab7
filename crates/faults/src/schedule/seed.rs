//! The number that a schedule is made from, and the random numbers that it gives.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What makes a schedule repeatable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

/// The text is not a seed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a seed: give the number that a run has printed, from 0 to 18446744073709551615"
)]
pub struct SeedError(String);

impl Seed {
    /// One that no run has used yet.
    pub fn fresh() -> Self {
        Self(RandomState::new().hash_one("seed"))
    }
}

impl FromStr for Seed {
    type Err = SeedError;

    fn from_str(text: &str) -> Result<Self, SeedError> {
        text.parse().map(Self).map_err(|_| SeedError(text.to_owned()))
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Random numbers from a seed: `ChaCha8`, whose output never changes. What is made of them is
/// computed here and not by `rand`, whose releases may change that.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn new(seed: Seed) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed.0))
    }

    /// A number below `limit`, which must not be 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        // That the first numbers are a little more probable does not matter here.
        self.0.next_u64() % limit
    }

    /// Puts them into another order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(u64::try_from(last + 1).unwrap_or(u64::MAX));
            items.swap(last, usize::try_from(other).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_read_as_it_is_printed() {
        for seed in [Seed(0), Seed(u64::MAX), Seed::fresh()] {
            assert_eq!(seed.to_string().parse(), Ok(seed));
        }
        for text in ["", "-1", "0x10", "seven", "18446744073709551616"] {
            assert_eq!(text.parse::<Seed>(), Err(SeedError(text.to_owned())));
        }
    }

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        let mut random = Random::new(Seed(7));
        let numbers: Vec<u64> = (0..8).map(|_| random.below(100)).collect();
        assert_eq!(numbers, [35, 94, 45, 43, 40, 38, 51, 70]);
    }
}
