//! The figures of all runs: a table to read, and a report with plots to keep.

mod bars;
mod curves;
mod series;
mod svg;
mod table;

use std::fs;
use std::path::Path;

pub use series::Series;

use crate::error::BenchError;
use crate::machine::Conditions;
use crate::scenarios::{Cost, Delays, Outcome};
use crate::statistics::number;
use crate::system::PARTS;

/// What was measured so far.
#[derive(Debug, Default)]
pub struct Report {
    series: Vec<Series>,
    costs: Vec<(&'static str, Vec<Cost>)>,
    delays: Vec<(&'static str, Vec<Delays>)>,
}

impl Report {
    /// Adds what one run of a scenario gave.
    pub fn add(&mut self, scenario: &'static str, outcome: Outcome) {
        for figure in outcome.figures {
            let is_same =
                |series: &&mut Series| series.scenario == scenario && series.name == figure.name;
            match self.series.iter_mut().find(is_same) {
                Some(series) => series.values.push(figure.value),
                None => self.series.push(Series::new(scenario, figure)),
            }
        }
        if let Some(cost) = outcome.cost {
            push(&mut self.costs, scenario, cost);
        }
        if let Some(delays) = outcome.delays {
            push(&mut self.delays, scenario, delays);
        }
    }

    /// All figures, as a table in Markdown.
    pub fn table(&self) -> String {
        table::render(&self.series)
    }

    /// Writes `report.md` and its plots.
    pub fn write(&self, folder: &Path, conditions: &Conditions) -> Result<(), BenchError> {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).map_err(BenchError::io(format!("write {}", path.display())))
        };
        fs::create_dir_all(folder).map_err(BenchError::io(format!("make {}", folder.display())))?;
        let list = conditions.lines.iter().map(|(name, value)| format!("- {name}: {value}\n"));
        let mut text = format!("# Benchmark\n\n{}\n{}", list.collect::<String>(), self.table());
        if !self.costs.is_empty() {
            write("cost.svg", &bars::render(&self.mean_costs()))?;
            text.push_str("\n![CPU per registration beyond the hash](cost.svg)\n");
        }
        if !self.delays.is_empty() {
            write("delays.svg", &curves::render(&self.all_delays()))?;
            text.push_str("\n![From 201 to the mail](delays.svg)\n");
        }
        write("report.md", &text)
    }

    /// Milliseconds beyond the hash, each part's mean over the runs.
    fn mean_costs(&self) -> Vec<bars::Bar> {
        let bar = |(scenario, costs): &(&'static str, Vec<Cost>)| {
            let mean = |index: usize| {
                costs.iter().map(|cost| cost.parts[index].1).sum::<f64>() / number(costs.len())
            };
            let parts = PARTS.iter().enumerate().skip(1);
            bars::Bar {
                name: scenario,
                parts: parts.map(|(index, part)| (part.name(), mean(index))).collect(),
            }
        };
        self.costs.iter().map(bar).collect()
    }

    /// The delays of all runs, in order.
    fn all_delays(&self) -> Vec<curves::Curve> {
        let curve = |(scenario, runs): &(&'static str, Vec<Delays>)| {
            let mut delays: Vec<_> = runs.iter().flat_map(|run| run.0.iter().copied()).collect();
            delays.sort_unstable();
            curves::Curve { name: scenario, delays }
        };
        self.delays.iter().map(curve).collect()
    }
}

fn push<T>(groups: &mut Vec<(&'static str, Vec<T>)>, name: &'static str, item: T) {
    match groups.iter_mut().find(|(other, _)| *other == name) {
        Some((_, items)) => items.push(item),
        None => groups.push((name, vec![item])),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenarios::Target;

    #[test]
    fn runs_of_a_scenario_become_one_row_and_one_plot_each() {
        let mut report = Report::default();
        for value in [1.0, 3.0, 2.0] {
            let mut outcome = Outcome {
                cost: Some(Cost { parts: PARTS.map(|part| (part, value)).to_vec() }),
                delays: Some(Delays(vec![Duration::from_millis(4)])),
                ..Outcome::default()
            };
            outcome.add("rate", "1/s", Target::AtLeast(2.0), value);
            report.add("saturation", outcome);
        }
        let folder = tempfile::tempdir().unwrap();
        let conditions = Conditions { lines: vec![("kernel", "6.1".to_owned())] };
        report.write(folder.path(), &conditions).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let text = read("report.md");
        assert!(text.contains("- kernel: 6.1\n"), "{text}");
        assert_eq!(text.matches("| rate ").count(), 1, "{text}");
        for plot in ["cost.svg", "delays.svg"] {
            assert!(text.contains(plot), "{text}");
            assert!(read(plot).ends_with("</svg>\n"));
        }
    }
}
