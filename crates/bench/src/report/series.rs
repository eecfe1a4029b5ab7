use crate::scenarios::{Figure, Target};
use crate::statistics::Summary;

/// One figure over all runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The scenario that it belongs to.
    pub scenario: &'static str,
    /// What it is.
    pub name: String,
    /// Its unit; empty for a ratio.
    pub unit: &'static str,
    /// What it should be.
    pub target: Target,
    /// One value per run.
    pub values: Vec<f64>,
}

impl Series {
    /// Begins with the figure of the first run.
    pub(super) fn new(scenario: &'static str, figure: Figure) -> Self {
        let Figure { name, unit, target, value } = figure;
        Self { scenario, name, unit, target, values: vec![value] }
    }

    /// Median and spread.
    pub(super) fn summary(&self) -> Option<Summary> {
        Summary::of(&self.values)
    }
}
