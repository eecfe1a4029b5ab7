//! What a scenario gives.

use std::time::Duration;

use crate::system::Part;

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// Not less than this.
    AtLeast(f64),
    /// Not more than this.
    AtMost(f64),
    /// It is only reported.
    None,
}

impl Target {
    /// Whether a value is as it should be; None if there is nothing that it should be.
    pub fn is_met(self, value: f64) -> Option<bool> {
        match self {
            Self::AtLeast(bound) => Some(value >= bound),
            Self::AtMost(bound) => Some(value <= bound),
            Self::None => None,
        }
    }
}

/// One number of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// Its unit; empty for a ratio.
    pub unit: &'static str,
    /// What it should be.
    pub target: Target,
    /// The number.
    pub value: f64,
}

/// Processor time per registration, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// That of each part.
    pub parts: Vec<(Part, f64)>,
}

/// How long mails took after the 201, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delays(pub Vec<Duration>);

/// All that one run of a scenario gives.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The numbers.
    pub figures: Vec<Figure>,
    /// What a registration cost, where that is what the scenario is about.
    pub cost: Option<Cost>,
    /// How long the mails took, where that is what it is about.
    pub delays: Option<Delays>,
}

impl Outcome {
    /// Adds a number.
    pub fn add(&mut self, name: impl Into<String>, unit: &'static str, target: Target, value: f64) {
        self.figures.push(Figure { name: name.into(), unit, target, value });
    }

    /// Adds a time in milliseconds, if there is one.
    pub fn add_time(&mut self, name: impl Into<String>, target: Target, time: Option<Duration>) {
        if let Some(time) = time {
            self.add(name, "ms", target, time.as_secs_f64() * 1e3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_what_is_allowed() {
        assert_eq!(Target::AtLeast(0.86).is_met(0.86), Some(true));
        assert_eq!(Target::AtLeast(0.86).is_met(0.85), Some(false));
        assert_eq!(Target::AtMost(20.0).is_met(20.0), Some(true));
        assert_eq!(Target::AtMost(20.0).is_met(20.1), Some(false));
        assert_eq!(Target::None.is_met(1.0), None);
    }
}
