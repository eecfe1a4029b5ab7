//! Stacked bars: what a registration costs beyond its hash, and where.

use super::svg::{Svg, colour};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 120.0;
const ROW: f64 = 44.0;
const TOP: f64 = 60.0;

/// One bar.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) name: &'static str,
    /// Milliseconds per registration.
    pub(super) parts: Vec<(&'static str, f64)>,
}

impl Bar {
    fn total(&self) -> f64 {
        self.parts.iter().map(|(_, value)| value).sum()
    }
}

pub(super) fn render(bars: &[Bar]) -> String {
    let rows = crate::statistics::number(bars.len());
    let mut svg = Svg::new(WIDTH, TOP + rows * ROW);
    svg.label(10.0, 20.0, "CPU per registration beyond the hash, with generator and sink, ms");
    let longest = bars.iter().map(Bar::total).fold(f64::MIN_POSITIVE, f64::max);
    let scale = (WIDTH - LEFT - 60.0) / longest;
    let mut x = 10.0;
    for (number, (part, _)) in bars.iter().flat_map(|bar| &bar.parts).take(7).enumerate() {
        svg.rectangle([x, 32.0, 10.0, 10.0], colour(number));
        svg.label(x + 14.0, 41.0, part);
        x += 100.0;
    }
    let mut y = TOP;
    for bar in bars {
        svg.label(10.0, y + 20.0, bar.name);
        let mut x = LEFT;
        for (number, (_, value)) in bar.parts.iter().enumerate() {
            svg.rectangle([x, y + 4.0, value * scale, ROW - 20.0], colour(number));
            x += value * scale;
        }
        svg.label(x + 6.0, y + 20.0, &format!("{:.2}", bar.total()));
        y += ROW;
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fits() {
        let bar = |name, value| Bar { name, parts: vec![("API", value), ("worker", value)] };
        let text = render(&[bar("slow", 300.0), bar("fast", 3.0)]);
        let widths =
            text.lines().filter_map(|line| line.split_once(" width=\"")?.1.split('"').next());
        let widest = widths.map(|width| width.parse::<f64>().unwrap()).fold(0.0, f64::max);
        assert!((widest - WIDTH).abs() < 1.0, "{text}");
        assert!(text.contains(">600.00</text>") && text.contains(">fast</text>"), "{text}");
    }
}
