//! The table: in Markdown, with columns that line up in a terminal too.

use super::series::Series;
use crate::scenarios::Target;

const HEAD: [&str; 5] = ["scenario", "figure", "median", "lowest to highest", "target"];

pub(super) fn render(series: &[Series]) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(series.iter().filter_map(row));
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths = [0, 1, 2, 3, 4].map(width);
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("| {cell:width$} "));
        cells.collect::<String>() + "|\n"
    };
    let ruler: String = widths.map(|width| format!("|{}", "-".repeat(width + 2))).concat();
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.insert(1, ruler + "|\n");
    lines.concat()
}

fn row(series: &Series) -> Option<[String; 5]> {
    let summary = series.summary()?;
    let with_unit = |value: f64| format!("{} {}", digits(value), series.unit).trim().to_owned();
    let target = match series.target {
        Target::AtLeast(bound) => format!("≥ {}", with_unit(bound)),
        Target::AtMost(bound) => format!("≤ {}", with_unit(bound)),
        Target::None => String::new(),
    };
    let verdict = match series.target.is_met(summary.median) {
        Some(true) => ", met",
        Some(false) => ", missed",
        None => "",
    };
    Some([
        series.scenario.to_owned(),
        series.name.clone(),
        with_unit(summary.median),
        format!("{} to {}", digits(summary.lowest), digits(summary.highest)),
        target + verdict,
    ])
}

/// About three digits.
fn digits(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_compared_with_its_target_by_its_median() {
        let series = |target, values: &[f64]| Series {
            scenario: "saturation",
            name: "rate".to_owned(),
            unit: "1/s",
            target,
            values: values.to_vec(),
        };
        let text = render(&[
            series(Target::AtLeast(2.0), &[1.0, 3.0, 2.0]),
            series(Target::AtMost(1_400.0), &[1_500.4]),
            series(Target::None, &[0.0, 12.34]),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("| scenario   | figure | median"), "{text}");
        assert!(lines[2].contains("| 2.00 1/s | 1.00 to 3.00"), "{text}");
        assert!(lines[2].contains("| ≥ 2.00 1/s, met"), "{text}");
        assert!(lines[3].contains("| ≤ 1400 1/s, missed"), "{text}");
        assert!(lines[4].contains("| 6.17 1/s | 0 to 12.3"), "{text}");
        assert!(
            lines.iter().all(|line| line.chars().count() == lines[0].chars().count()),
            "{text}"
        );
    }
}
