//! Who has used how much processor time.

use std::ops::Sub;
use std::time::Duration;

/// What processor time is told apart for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The threads of the API that hash.
    Hash,
    /// The rest of the API.
    Api,
    /// All workers.
    Worker,
    /// PostgreSQL with the process of each connection.
    Postgres,
    /// RabbitMQ.
    RabbitMq,
    /// Redis.
    Redis,
    /// The load generator: not part of the product.
    Generator,
    /// The mail server: not part of the product.
    Sink,
}

/// All of them, in the order of a table.
pub const PARTS: [Part; 8] = [
    Part::Hash,
    Part::Api,
    Part::Worker,
    Part::Postgres,
    Part::RabbitMq,
    Part::Redis,
    Part::Generator,
    Part::Sink,
];

impl Part {
    /// Its name in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Api => "API",
            Self::Worker => "worker",
            Self::Postgres => "PostgreSQL",
            Self::RabbitMq => "RabbitMQ",
            Self::Redis => "Redis",
            Self::Generator => "generator",
            Self::Sink => "sink",
        }
    }

    /// Whether it is paid for by whoever runs the product.
    pub fn is_of_product(self) -> bool {
        !matches!(self, Self::Generator | Self::Sink)
    }
}

/// The processor time of each part, in the order of [`PARTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage(pub [Duration; PARTS.len()]);

impl Usage {
    /// That of one part.
    pub fn of(&self, part: Part) -> Duration {
        let index = PARTS.iter().position(|other| *other == part);
        index.map_or(Duration::ZERO, |index| self.0[index])
    }

    /// The same with another time for one part.
    #[must_use]
    pub fn with(mut self, part: Part, time: Duration) -> Self {
        for (_, own) in PARTS.iter().zip(&mut self.0).filter(|(other, _)| **other == part) {
            *own = time;
        }
        self
    }

    /// That of the product, without its hashes.
    pub fn beyond_the_hash(&self) -> Duration {
        let parts = PARTS.iter().filter(|part| part.is_of_product() && **part != Part::Hash);
        parts.map(|part| self.of(*part)).sum()
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        let mut difference = self;
        for (time, before) in difference.0.iter_mut().zip(before.0) {
            *time = time.saturating_sub(before);
        }
        difference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_is_told_from_what_measures_it() {
        let milliseconds = |times: [u64; 8]| Usage(times.map(Duration::from_millis));
        let used = milliseconds([20, 12, 23, 34, 45, 56, 67, 78])
            - milliseconds([10, 10, 20, 30, 40, 50, 60, 70]);
        assert_eq!(used, milliseconds([10, 2, 3, 4, 5, 6, 7, 8]));
        let replaced = used.with(Part::Redis, Duration::from_secs(1));
        assert_eq!(replaced.of(Part::Redis), Duration::from_secs(1));
        assert_eq!(used.of(Part::Postgres), Duration::from_millis(4));
        assert_eq!(used.beyond_the_hash(), Duration::from_millis(2 + 3 + 4 + 5 + 6));
    }
}
