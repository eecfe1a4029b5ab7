//! Percentiles of one run, medians of several.

/// The smallest value that `per_mille` thousandths of all do not exceed (nearest rank). None of
/// none.
pub fn percentile<T: Copy>(sorted: &[T], per_mille: usize) -> Option<T> {
    let rank = (sorted.len() * per_mille).div_ceil(1000).max(1);
    sorted.get(rank - 1).copied()
}

/// What several runs gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The middle one; of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The lowest.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
}

impl Summary {
    /// None of no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (lowest, highest) = (*sorted.first()?, *sorted.last()?);
        let upper = sorted.len() / 2;
        let lower = (sorted.len() - 1) / 2;
        Some(Self { median: f64::midpoint(sorted[lower], sorted[upper]), lowest, highest })
    }
}

/// A count, for arithmetic; more than four billion of anything are not counted here.
pub fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let hundred: Vec<u32> = (1..=100).collect();
        for (per_mille, expected) in
            [(0, 1), (10, 1), (500, 50), (990, 99), (999, 100), (1000, 100)]
        {
            assert_eq!(percentile(&hundred, per_mille), Some(expected), "{per_mille}");
        }
        assert_eq!(percentile(&[7], 500), Some(7));
        assert_eq!(percentile(&[1, 2], 990), Some(2));
        assert_eq!(percentile::<u32>(&[], 500), None);
    }

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        let summary = |values: &[f64]| Summary::of(values).unwrap();
        assert_eq!(summary(&[3.0, 1.0, 2.0]), Summary { median: 2.0, lowest: 1.0, highest: 3.0 });
        assert_eq!(
            summary(&[4.0, 1.0, 2.0, 3.0]),
            Summary { median: 2.5, lowest: 1.0, highest: 4.0 }
        );
        assert_eq!(summary(&[5.0]), Summary { median: 5.0, lowest: 5.0, highest: 5.0 });
        assert_eq!(Summary::of(&[]), None);
    }
}
