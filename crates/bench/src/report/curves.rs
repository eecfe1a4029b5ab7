//! Curves over percentiles: how long mails take after the 201.

use std::time::Duration;

use super::svg::{Svg, colour};
use crate::statistics::{number, percentile};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 140.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 40.0;
/// From 0.1 ms to 100 s, a decade each.
const DECADES: u8 = 6;

/// One curve.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) name: &'static str,
    /// In order.
    pub(super) delays: Vec<Duration>,
}

pub(super) fn render(curves: &[Curve]) -> String {
    let mut svg = Svg::new(WIDTH, HEIGHT);
    svg.label(10.0, 20.0, "From 201 to the mail, ms, by percentile");
    for decade in 0..=DECADES {
        let milliseconds = 10_f64.powi(i32::from(decade) - 1);
        let y = y_of(milliseconds);
        svg.line(&[(LEFT, y), (WIDTH - RIGHT, y)], "#ddd");
        svg.label(10.0, y + 4.0, &milliseconds.to_string());
    }
    for per_mille in [0, 250, 500, 750, 990] {
        let text = format!("p{}", f64::from(per_mille) / 10.0);
        svg.label(x_of(f64::from(per_mille)), HEIGHT - 15.0, &text);
    }
    for (index, curve) in curves.iter().enumerate() {
        let points: Vec<_> = (0..=1000).step_by(5).filter_map(|step| point(curve, step)).collect();
        svg.line(&points, colour(index));
        let y = TOP + 20.0 * number(index);
        svg.rectangle([WIDTH - RIGHT + 10.0, y, 10.0, 10.0], colour(index));
        svg.label(WIDTH - RIGHT + 26.0, y + 9.0, curve.name);
    }
    svg.finish()
}

fn point(curve: &Curve, per_mille: usize) -> Option<(f64, f64)> {
    let delay = percentile(&curve.delays, per_mille)?;
    Some((x_of(number(per_mille)), y_of(delay.as_secs_f64() * 1e3)))
}

fn x_of(per_mille: f64) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * per_mille / 1000.0
}

fn y_of(milliseconds: f64) -> f64 {
    let decade = (milliseconds.max(0.1).log10() + 1.0).min(f64::from(DECADES));
    HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * decade / f64::from(DECADES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_longer_is_higher_and_all_stays_inside() {
        assert!(y_of(100.0) < y_of(1.0));
        for milliseconds in [0.0, 0.1, 5.0, 1e9] {
            let y = y_of(milliseconds);
            assert!((TOP..=HEIGHT - BOTTOM).contains(&y), "{milliseconds} is at {y}");
        }
    }

    #[test]
    fn each_curve_is_named() {
        let delays = vec![Duration::from_millis(5); 3];
        let text = render(&[Curve { name: "half-load", delays }]);
        assert!(text.contains(">half-load</text>"), "{text}");
    }
}
