//! Series over time, drawn beside each other.

use std::path::Path;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

const COLUMNS: usize = 3;
const SIZE: (u32, u32) = (480, 270);

/// How many series a chart shows.
const MOST: usize = 8;

/// What one chart shows.
pub(crate) struct Chart {
    pub(crate) title: String,
    /// What Grafana calls it.
    pub(crate) unit: String,
    /// How long the time on its horizontal axis is.
    pub(crate) seconds: f64,
    /// Names and points.
    pub(crate) series: Vec<(String, Vec<(f64, f64)>)>,
}

/// Draws the charts into a file, and returns its text.
pub(crate) fn draw(path: &Path, charts: &[Chart]) -> String {
    let rows = charts.len().div_ceil(COLUMNS);
    let height = SIZE.1 * u32::try_from(rows).unwrap();
    {
        let width = SIZE.0 * u32::try_from(COLUMNS).unwrap();
        let sheet = SVGBackend::new(path, (width, height)).into_drawing_area();
        sheet.fill(&WHITE).unwrap();
        for (area, chart) in sheet.split_evenly((rows, COLUMNS)).iter().zip(charts) {
            draw_one(area, chart);
        }
        sheet.present().unwrap();
    }
    std::fs::read_to_string(path).unwrap()
}

fn draw_one(area: &DrawingArea<SVGBackend, plotters::coord::Shift>, chart: &Chart) {
    let highest = chart.series.iter().map(|(_, points)| maximum(points)).fold(0.0, f64::max);
    // What stays at zero would only hide the rest.
    let shown = chart.series.iter().filter(|(_, points)| highest == 0.0 || maximum(points) > 0.0);
    let shown: Vec<_> = shown.take(MOST).collect();
    // The names are above the lines.
    let names = 1.1 + 0.1 * f64::from(u32::try_from(shown.len()).unwrap());
    let top = if highest > 0.0 { highest * names } else { 1.0 };
    let mut context: ChartContext<'_, _, Cartesian2d<RangedCoordf64, RangedCoordf64>> =
        ChartBuilder::on(area)
            .caption(&chart.title, ("sans-serif", 16))
            .margin(10)
            .x_label_area_size(22)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..chart.seconds, 0.0..top)
            .unwrap();
    context
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(6)
        .y_labels(5)
        .x_label_formatter(&|seconds| format!("{seconds:.0} s"))
        .y_label_formatter(&|value| with_unit(*value, &chart.unit))
        .draw()
        .unwrap();
    for (number, (name, points)) in shown.into_iter().enumerate() {
        let colour = Palette99::pick(number).stroke_width(2);
        let line = context.draw_series(LineSeries::new(points.iter().copied(), colour)).unwrap();
        if !name.is_empty() {
            line.label(name).legend(move |(x, y)| {
                PathElement::new([(x, y), (x + 12, y)], Palette99::pick(number).stroke_width(2))
            });
        }
    }
    context
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.7))
        .label_font(("sans-serif", 11))
        .draw()
        .unwrap();
}

fn maximum(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|(_, value)| *value).fold(0.0, f64::max)
}

fn with_unit(value: f64, unit: &str) -> String {
    match unit {
        "s" if value < 1.0 => format!("{:.0} ms", value * 1e3),
        "s" => format!("{value:.1} s"),
        "bytes" => format!("{:.0} MB", value / 1e6),
        "percentunit" => format!("{:.1} %", value * 100.0),
        "reqps" | "ops" => format!("{value:.1}/s"),
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}
