//! Whether two kinds of request can be told apart by the time they take.

use std::time::Duration;

use test_support::unique_name;

/// Measures `N` kinds of request `rounds` times, the kinds in a new random order each round, so
/// that whatever else the machine does affects all of them alike.
pub async fn interleaved<const N: usize>(
    rounds: usize,
    measure: impl AsyncFn(usize) -> Duration,
) -> [Vec<f64>; N] {
    let mut samples: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    for _ in 0..rounds {
        let mut kinds: [usize; N] = std::array::from_fn(|kind| kind);
        kinds.sort_by_cached_key(|_| unique_name());
        for kind in kinds {
            samples[kind].push(measure(kind).await.as_secs_f64());
        }
    }
    samples
}

/// The middle of a sample.
pub fn median(sample: &[f64]) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The Mann-Whitney U test: how probable a difference in rank at least this large is if both
/// samples come from one distribution. Two-sided, by the normal approximation with the corrections
/// for ties and continuity, which is good from about 20 values each.
#[expect(clippy::cast_precision_loss, reason = "samples are small")]
pub fn mann_whitney(first: &[f64], second: &[f64]) -> f64 {
    let (n1, n2) = (first.len() as f64, second.len() as f64);
    let mut pooled: Vec<(f64, bool)> = first.iter().map(|value| (*value, true)).collect();
    pooled.extend(second.iter().map(|value| (*value, false)));
    pooled.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rank_sum, mut ties, mut below) = (0.0, 0.0, 0.0);
    for equals in pooled.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let count = equals.len() as f64;
        let rank = below + f64::midpoint(count, 1.0);
        rank_sum += rank * equals.iter().filter(|(_, is_first)| *is_first).count() as f64;
        ties += count.powi(3) - count;
        below += count;
    }
    let n = n1 + n2;
    let u = rank_sum - n1 * (n1 + 1.0) / 2.0;
    let variance = n1 * n2 / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)));
    let distance = ((u - n1 * n2 / 2.0).abs() - 0.5).max(0.0);
    if variance == 0.0 { 1.0 } else { both_tails(distance / variance.sqrt()) }
}

/// The probability that a standard normal variable is further from 0 than `z` (Abramowitz and
/// Stegun 7.1.26, error below 2e-7).
fn both_tails(z: f64) -> f64 {
    let x = z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let coefficients =
        [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    coefficients.iter().fold(0.0, |sum, coefficient| (sum + coefficient) * t) * (-x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statistic_gives_textbook_values() {
        assert!((both_tails(1.96) - 0.05).abs() < 1e-4 && (both_tails(0.0) - 1.0).abs() < 1e-6);
        // 1 to 5 against 6 to 10: U is 0, its standard deviation 4.787; z = 12 / 4.787.
        let p = mann_whitney(&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0, 7.0, 8.0, 9.0, 10.0]);
        assert!((p - 0.0122).abs() < 1e-4, "{p}");
        assert!((mann_whitney(&[1.0, 1.0], &[1.0, 1.0]) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_statistic_tells_a_shift_from_none() {
        let sample =
            |shift: f64| -> Vec<f64> { (0..60).map(|n| f64::from(n * 37 % 61) + shift).collect() };
        assert!(mann_whitney(&sample(0.0), &sample(0.5)) > 0.5);
        assert!(mann_whitney(&sample(0.0), &sample(30.0)) < 1e-6);
    }
}
